"""Which devices a push would wake, and for which of them something waits."""

# Nobody whom the policy, a revocation, an open socket, a push on its way or a recent failure
# forbids to wake; in the order of the questions.
ASLEEP = """
SELECT push.device_id
FROM messaging_pushtoken AS push
JOIN orgs_policy AS policy ON policy.organisation_id = push.organisation_id
    AND policy.push_wake_ups
JOIN keys_device AS device ON device.id = push.device_id AND device.status = 'approved'
JOIN orgs_membership AS person ON person.id = device.membership_id AND person.status = 'active'
    AND (person.ends_at IS NULL OR person.ends_at > %(now)s)
LEFT JOIN realtime_connection AS connection ON connection.device_id = push.device_id
LEFT JOIN keys_signedprekey AS spk ON spk.device_id = push.device_id AND spk.superseded_at IS NULL
WHERE push.organisation_id = %(organisation)s
  AND (connection.device_id IS NULL OR connection.closed_at IS NOT NULL
       OR connection.last_seen < %(seen)s)
  AND (push.woken_at IS NULL OR push.woken_at = push.failed_at)
  AND (push.failed_at IS NULL OR push.failed_at <= %(now)s - CASE
       WHEN push.woken_at = push.failed_at THEN %(abandoned)s
       ELSE least(%(first_backoff)s * power(2, least(push.failures, 10) - 1), %(longest_backoff)s)
       END)
"""

NAMED = " AND push.device_id = ANY(%(devices)s::uuid[])"

# An envelope that goes last, having gone out so often without an ack, wakes nobody. Of its signed
# pre-key a device hears whenever it comes: who was here since it was due, or expired, knows.
SOMETHING_WAITS = """
  AND (EXISTS (SELECT FROM messaging_envelope AS envelope
               WHERE envelope.device_id = push.device_id AND envelope.attempts < %(patience)s)
       OR coalesce(greatest(connection.last_seen, connection.closed_at), '-infinity') < CASE
          WHEN spk.uploaded_at <= %(expired)s THEN spk.uploaded_at + %(spk_age)s
          WHEN spk.uploaded_at <= %(due)s THEN spk.uploaded_at + %(spk_age)s - %(warning)s
          END)
"""
