-- Made by `python -m bench.statements` from CREDENTIAL, LOCK_OWN_BUNDLE, APPEND_KEYS and WRITE.
-- Not to be edited: `python -m bench.statements --check` compares it with the application.
-- A batch of 100 one-time pre-keys, as keys/services/bundles.py appends it.

\set slot 1
\if :first = 0
\set n :client_id + 1
SELECT targets, claimants, accounts, token_hashes FROM bench_plan WHERE n = :n \gset
\set first 1000001
\endif
\set last :first + 99
SELECT device.organisation_id, device.id, device.name, person.id, person.account_id, person.name,
       person.kind, person.role, token.expires_at, device.status, person.status,
       person.ends_at
FROM keys_devicetoken AS token
JOIN keys_device AS device ON device.id = token.device_id
JOIN orgs_membership AS person ON person.id = device.membership_id
WHERE token.token_hash = (:token_hashes::bytea[])[:slot];
BEGIN;
SELECT bundle.organisation_id, bundle.device_id, device.name, device.identity_key,
       bundle.available, bundle.highest_key_id
FROM keys_keybundle AS bundle JOIN keys_device AS device ON device.id = bundle.device_id
WHERE bundle.organisation_id = :organisation::uuid AND bundle.device_id = (:targets::uuid[])[:slot] AND device.status = 'approved'
FOR UPDATE OF bundle;
WITH added AS (
    INSERT INTO keys_onetimeprekey (organisation_id, device_id, key_id, public_key)
    SELECT :organisation::uuid, (:targets::uuid[])[:slot], *
    FROM unnest(ARRAY(SELECT * FROM generate_series(:first::int, :last::int))::int[]::int[], ARRAY(SELECT sha256(('k' || :client_id || '.' || i)::bytea) FROM generate_series(:first::int, :last::int) AS i)::bytea[])
    ON CONFLICT (device_id, public_key) DO NOTHING
    RETURNING 1
)
UPDATE keys_keybundle
SET available = available + 100::int, highest_key_id = :last::int
WHERE organisation_id = :organisation::uuid AND device_id = (:targets::uuid[])[:slot]
RETURNING (SELECT count(*) FROM added);
WITH written AS (INSERT INTO audit_event (organisation_id, id, class, who, who_opening, c_who, what, what_opening, c_what) VALUES (:organisation::uuid, uuidv7(), :class, :who, :opening, :c_who, :what, :opening, :c_what)) INSERT INTO audit_pending (organisation_id, event_id, entry) VALUES (:organisation::uuid, uuidv7(), :entry);
COMMIT;
\set first :last + 1
