"""The pgbench script of a message; see bench/statements.py, which writes and compares it."""

from bench.templates import ACCOUNT, CLAIMANT, HEAD, ORGANISATION, ROOM, filled

# A message of fifty envelopes; its sender is in the room that `:room` names.
SEND = """
\\set slot 1
\\set n :client_id + 1
SELECT targets, claimants, accounts, token_hashes, uuidv7() AS message
FROM bench_plan WHERE n = :n \\gset
{by_token};
BEGIN;
{lock};
{standing};
{recipients};
{write};
{store};
{note};
COMMIT;
"""

CIPHERTEXTS = (
    "ARRAY(SELECT decode(substr(repeat(md5(random()::text), 38), 1, 1200), 'hex')"
    " FROM unnest(:targets::uuid[]))"
)
HASHES = "ARRAY(SELECT sha256(random()::text::bytea) FROM unnest(:targets::uuid[]))"


def each(expression: str) -> str:
    """An array with this for every target."""
    return f"ARRAY(SELECT {expression} FROM unnest(:targets::uuid[]))"  # noqa: S608 - code of ours


def send(by_token: str, write: str) -> str:
    """The script of a message."""
    from audit.services.contents import NOTE
    from messaging.selectors.recipients import IN_ROOM, STANDING
    from messaging.services.relay import STORE
    from semafore.kernel.tenancy import LOCK_SHARED

    message, room = ":message::uuid", ":room::uuid"
    sources = "CREDENTIAL, LOCK_SHARED, STANDING, IN_ROOM, WRITE, STORE and NOTE"
    shape = f"A message to {ROOM} devices, as messaging/services/relay.py stores it."
    return HEAD.format(sources=sources, shape=shape) + SEND.format(
        by_token=by_token,
        lock=filled(LOCK_SHARED, f"'org:' || {ORGANISATION}"),
        standing=filled(
            STANDING,
            organisation=ORGANISATION,
            device=CLAIMANT,
            person=ACCOUNT,
            message=message,
            room=room,
            now="now()",
            since="(now() - interval '1 minute')",
            limit="1000000",
        ),
        recipients=filled(
            IN_ROOM,
            organisation=ORGANISATION,
            device=CLAIMANT,
            room=room,
            now="now()",
            fresh="(now() - interval '168 hours')",
            seen="(now() - interval '11 minutes')",
        ),
        # The event has the message's id, so that the contents are an event's.
        write=write.replace("uuidv7()", message),
        store=filled(
            STORE,
            id=message,
            organisation=ORGANISATION,
            message_id=message,
            room=room,
            broadcast="NULL",
            sender=ACCOUNT,
            sender_device=CLAIMANT,
            accepted_at="now()",
            count=str(ROOM),
            size=str(600 * ROOM),
            skipped="'{}'",
            event=message,
            receipt="repeat('r', 350)",
            envelope_ids=each("uuidv7()"),
            devices=":targets::uuid[]",
            suites=each("'x3dh-25519'"),
            types=each("'message'"),
            ciphertexts=CIPHERTEXTS,
        ),
        note=filled(NOTE, organisation=ORGANISATION, event=message, hashes=HASHES),
    )
