-- Made by `python -m bench.statements` from CREDENTIAL, LOCK_SHARED, STANDING, IN_ROOM, WRITE, STORE and NOTE.
-- Not to be edited: `python -m bench.statements --check` compares it with the application.
-- A message to 50 devices, as messaging/services/relay.py stores it.

\set slot 1
\set n :client_id + 1
SELECT targets, claimants, accounts, token_hashes, uuidv7() AS message
FROM bench_plan WHERE n = :n \gset
SELECT device.organisation_id, device.id, device.name, person.id, person.account_id, person.name,
       person.kind, person.role, token.expires_at, device.status, person.status,
       person.ends_at
FROM keys_devicetoken AS token
JOIN keys_device AS device ON device.id = token.device_id
JOIN orgs_membership AS person ON person.id = device.membership_id
WHERE token.token_hash = (:token_hashes::bytea[])[:slot];
BEGIN;
SELECT pg_advisory_xact_lock_shared(hashtextextended('org:' || :organisation::uuid, 0));
SELECT organisation.log_id,
    coalesce((SELECT origin_number FROM audit_head
              WHERE organisation_id = organisation.id), 1),
    EXISTS (
        SELECT FROM keys_device AS own
        JOIN orgs_membership AS person ON person.id = own.membership_id
        WHERE own.organisation_id = organisation.id AND own.id = (:claimants::uuid[])[:slot]
          AND own.status = 'approved' AND person.status = 'active'
          AND (person.ends_at IS NULL OR person.ends_at > now()::timestamptz)
    ),
    (SELECT count(*) FROM (
        SELECT FROM messaging_message
        WHERE sender_device_id = (:claimants::uuid[])[:slot] AND accepted_at > (now() - interval '1 minute')::timestamptz
        LIMIT 1000000
    ) AS lately),
    earlier.sender_device_id, earlier.accepted_at, earlier.receipt, earlier.skipped,
    room.id, room.name, room.kind, room.status, room.closes_at
FROM orgs_organisation AS organisation
LEFT JOIN messaging_message AS earlier
    ON earlier.organisation_id = organisation.id AND earlier.message_id = :message::uuid
LEFT JOIN (
    messaging_room AS room JOIN messaging_roommembership AS own_period
    ON own_period.room_id = room.id AND own_period.membership_id = (:accounts::uuid[])[:slot]
    AND own_period.ended_at IS NULL
) ON room.organisation_id = organisation.id AND room.id = :room::uuid::uuid
WHERE organisation.id = :organisation::uuid;
SELECT device.id, device.registration_id,
    coalesce(spk.uploaded_at > (now() - interval '168 hours')::timestamptz, false),
    coalesce(push.woken_at IS NULL AND push.failed_at IS NULL AND (connection.closed_at IS NOT NULL
        OR connection.device_id IS NULL OR connection.last_seen < (now() - interval '11 minutes')::timestamptz),
        false) AND push.device_id IS NOT NULL
FROM messaging_roommembership AS period
JOIN orgs_membership AS person ON person.id = period.membership_id
    AND period.room_id = :room::uuid AND period.ended_at IS NULL
JOIN keys_device AS device ON device.membership_id = person.id AND device.status = 'approved'
LEFT JOIN keys_signedprekey AS spk ON spk.device_id = device.id AND spk.superseded_at IS NULL
LEFT JOIN messaging_pushtoken AS push ON push.device_id = device.id
LEFT JOIN realtime_connection AS connection ON connection.device_id = device.id
WHERE person.organisation_id = :organisation::uuid AND person.status = 'active'
  AND (person.ends_at IS NULL OR person.ends_at > now()::timestamptz)
  AND device.id <> (:claimants::uuid[])[:slot];
WITH written AS (INSERT INTO audit_event (organisation_id, id, class, who, who_opening, c_who, what, what_opening, c_what) VALUES (:organisation::uuid, :message::uuid, :class, :who, :opening, :c_who, :what, :opening, :c_what)) INSERT INTO audit_pending (organisation_id, event_id, entry) VALUES (:organisation::uuid, :message::uuid, :entry);
WITH message AS (
    INSERT INTO messaging_message (id, organisation_id, message_id, room_id, broadcast_id,
        sender_id, sender_device_id, accepted_at, envelopes, size, skipped, event_id, receipt)
    VALUES (:message::uuid, :organisation::uuid, :message::uuid, :room::uuid::uuid, NULL::uuid,
        (:accounts::uuid[])[:slot], (:claimants::uuid[])[:slot], now(), 50, 30000,
        '{}'::uuid[], :message::uuid, repeat('r', 350))
)
INSERT INTO messaging_envelope
    (envelope_id, organisation_id, device_id, message_id, suite, type, ciphertext, attempts)
SELECT envelope_id, :organisation::uuid, device_id, :message::uuid, suite, type, ciphertext, 0
FROM unnest(ARRAY(SELECT uuidv7() FROM unnest(:targets::uuid[]))::uuid[], :targets::uuid[]::uuid[], ARRAY(SELECT 'x3dh-25519' FROM unnest(:targets::uuid[]))::text[], ARRAY(SELECT 'message' FROM unnest(:targets::uuid[]))::text[],
    ARRAY(SELECT decode(substr(repeat(md5(random()::text), 38), 1, 1200), 'hex') FROM unnest(:targets::uuid[]))::bytea[]) AS sent(envelope_id, device_id, suite, type, ciphertext);
INSERT INTO audit_content (organisation_id, event_id, sha256)
SELECT :organisation::uuid::uuid, :message::uuid::uuid, unnest(ARRAY(SELECT sha256(random()::text::bytea) FROM unnest(:targets::uuid[]))::bytea[]);
COMMIT;
