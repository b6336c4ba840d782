-- Made by `python -m bench.statements` from CREDENTIAL, LOCK_BUNDLES, CLAIMABLE, TAKE_KEYS and WRITE.
-- Not to be edited: `python -m bench.statements --check` compares it with the application.
-- The transaction of one claim, as keys/services/claiming.py runs it.

\set slot mod(:slot, 20) + 1
\if :slot = 1
\set n random(1, :plans)
SELECT targets, claimants, accounts, token_hashes FROM bench_plan WHERE n = :n \gset
\endif
SELECT device.organisation_id, device.id, device.name, person.id, person.account_id, person.name,
       person.kind, person.role, token.expires_at, device.status, person.status,
       person.ends_at
FROM keys_devicetoken AS token
JOIN keys_device AS device ON device.id = token.device_id
JOIN orgs_membership AS person ON person.id = device.membership_id
WHERE token.token_hash = (:token_hashes::bytea[])[:slot];
BEGIN;
SELECT device_id FROM keys_keybundle
WHERE organisation_id = :organisation::uuid AND device_id = ANY((SELECT ARRAY[(:targets::uuid[])[:slot]]::uuid[])::uuid[])
ORDER BY device_id FOR UPDATE;
SELECT
    EXISTS (
        SELECT FROM keys_device AS own
        JOIN orgs_membership AS person ON person.id = own.membership_id
        WHERE own.organisation_id = :organisation::uuid AND own.id = (:claimants::uuid[])[:slot]
          AND own.status = 'approved' AND person.status = 'active'
          AND (person.ends_at IS NULL OR person.ends_at > now()::timestamptz)
    ),
    (SELECT request_hash FROM keys_claim
     WHERE claimant_device_id = (:claimants::uuid[])[:slot] AND idempotency_key = NULL::varchar LIMIT 1),
    target.id, owner.id, owner.kind,
    target.name, target.registration_id, target.identity_key, target.approval_leaf,
    (SELECT seq FROM audit_entry
     WHERE organisation_id = :organisation::uuid AND event_id = target.approval_event_id),
    endorser.id, target.endorsement_signature,
    spk.key_ids, spk.public_keys, spk.signatures, spk.uploaded, spk.superseded,
    recent.claims, recent.oldest,
    replay.id IS NOT NULL, replay.key_id, replayed_key.public_key
FROM (VALUES (1)) AS always
LEFT JOIN (
    keys_device AS target
    JOIN keys_keybundle AS bundle ON bundle.device_id = target.id
    JOIN orgs_membership AS owner ON owner.id = target.membership_id
) ON target.organisation_id = :organisation::uuid
    AND target.id = ANY((SELECT ARRAY[(:targets::uuid[])[:slot]]::uuid[])::uuid[])
    AND target.status = 'approved' AND owner.status = 'active'
    AND (owner.ends_at IS NULL OR owner.ends_at > now()::timestamptz)
LEFT JOIN keys_device AS endorser
    ON endorser.id = target.endorser_id AND endorser.status = 'approved'
LEFT JOIN LATERAL (
    SELECT array_agg(key_id) AS key_ids, array_agg(public_key) AS public_keys,
           array_agg(signature) AS signatures, array_agg(uploaded_at) AS uploaded,
           array_agg(superseded_at) AS superseded
    FROM (SELECT * FROM keys_signedprekey
          WHERE device_id = target.id AND public_key IS NOT NULL ORDER BY key_id DESC) AS live
) AS spk ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS claims, min(at) AS oldest
    FROM (SELECT at FROM keys_claim
          WHERE target_id = target.id AND claimant_account_id = (:accounts::uuid[])[:slot] AND at > now() - interval '1 day'
          ORDER BY at DESC LIMIT :limit) AS latest
) AS recent ON true
LEFT JOIN keys_claim AS replay
    ON replay.claimant_device_id = (:claimants::uuid[])[:slot] AND replay.idempotency_key = NULL::varchar
    AND replay.target_id = target.id
LEFT JOIN keys_onetimeprekey AS replayed_key
    ON replayed_key.device_id = target.id AND replayed_key.key_id = replay.key_id;
WITH asked AS (
    SELECT * FROM unnest((SELECT ARRAY[uuidv7()]::uuid[]), (SELECT ARRAY[(:targets::uuid[])[:slot]]::uuid[]))
        AS a (claim_id, device_id)
), taken AS (
    UPDATE keys_onetimeprekey AS k SET claimed_at = now()
    FROM asked JOIN keys_keybundle AS bundle USING (device_id) CROSS JOIN LATERAL (
        SELECT key_id FROM keys_onetimeprekey
        WHERE device_id = bundle.device_id AND key_id > bundle.issued_key_id AND claimed_at IS NULL
        ORDER BY key_id LIMIT 1
    ) AS oldest
    WHERE k.device_id = asked.device_id AND k.key_id = oldest.key_id
    RETURNING k.device_id, k.key_id, k.public_key
), counted AS (
    UPDATE keys_keybundle AS b SET
        available = b.available - (taken.key_id IS NOT NULL)::int,
        issued_key_id = coalesce(taken.key_id, b.issued_key_id),
        claims = CASE WHEN b.claims_on = current_date THEN b.claims ELSE 0 END + 1,
        claims_on = current_date
    FROM asked LEFT JOIN taken USING (device_id)
    WHERE b.device_id = asked.device_id
    RETURNING b.device_id, b.available, b.claims
), noted AS (
    INSERT INTO keys_claim (id, organisation_id, claimant_account_id, claimant_device_id,
                            target_id, idempotency_key, request_hash, key_id, at)
    SELECT claim_id, :organisation::uuid, (:accounts::uuid[])[:slot], (:claimants::uuid[])[:slot],
           asked.device_id, NULL::varchar::varchar, NULL::bytea::bytea,
           taken.key_id, now()
    FROM asked LEFT JOIN taken USING (device_id)
)
SELECT device_id, taken.key_id, taken.public_key, counted.available, counted.claims
FROM counted LEFT JOIN taken USING (device_id);
WITH written AS (INSERT INTO audit_event (organisation_id, id, class, who, who_opening, c_who, what, what_opening, c_what) VALUES (:organisation::uuid, uuidv7(), :class, :who, :opening, :c_who, :what, :opening, :c_what)) INSERT INTO audit_pending (organisation_id, event_id, entry) VALUES (:organisation::uuid, uuidv7(), :entry);
COMMIT;
