"""The pgbench scripts, made from the SQL that the application itself runs.

`python -m bench.statements` writes them, `--check` fails when a committed one has drifted from the
application. Every benchmark checks its own before it measures.
"""

import argparse
import os
import sys
from pathlib import Path

from bench.templates import (
    ACCOUNT,
    CLAIMANT,
    HEAD,
    ORGANISATION,
    ROOM,
    TARGET,
    TOKEN_HASH,
    filled,
)

HERE = Path(__file__).resolve().parent
SLOTS = 20
BATCH = 100

# pgbench can pick a random number, not a random UUID: every 20th claim fetches the next 20 pairs
# of claimant and target. What that costs, a twentieth of an index lookup, slows the limit.
CLAIM = """
\\set slot mod(:slot, {slots}) + 1
\\if :slot = 1
\\set n random(1, :plans)
SELECT targets, claimants, accounts, token_hashes FROM bench_plan WHERE n = :n \\gset
\\endif
{by_token};
BEGIN;
{lock};
{claimable};
{take};
{write};
COMMIT;
"""

# Each connection claims rooms of its own: two calls for one room wait for each other, in the
# server as in pgbench, and the wait would be all that is measured.
CLAIM_MANY = """
\\set slot 1
\\set n :client_id + 1
SELECT targets, claimants, accounts, token_hashes FROM bench_plan WHERE n = :n \\gset
{by_token};
BEGIN;
{lock};
{claimable};
{take};
{write};
COMMIT;
"""

# The statements of the batch itself; the server reads more (the device, the status it answers).
PUBLISH = """
\\set slot 1
\\if :first = 0
\\set n :client_id + 1
SELECT targets, claimants, accounts, token_hashes FROM bench_plan WHERE n = :n \\gset
\\set first 1000001
\\endif
\\set last :first + {last}
{by_token};
BEGIN;
{lock};
{append};
{write};
COMMIT;
\\set first :last + 1
"""

IDS = "ARRAY(SELECT * FROM generate_series(:first::int, :last::int))::int[]"
KEYS = (
    "ARRAY(SELECT sha256(('k' || :client_id || '.' || i)::bytea)"
    " FROM generate_series(:first::int, :last::int) AS i)"
)


def scripts() -> dict[str, str]:
    """Every script by its file's name."""
    from audit.services.recording import WRITE
    from bench.send_statements import send
    from keys.models.prekeys import APPEND_KEYS, LOCK_BUNDLES, LOCK_OWN_BUNDLE, TAKE_KEYS
    from keys.selectors.claims import CLAIMABLE
    from keys.selectors.credentials import CREDENTIAL

    parts = ("class", "who", "c_who", "what", "c_what", "entry")
    write = filled(
        WRITE,
        organisation_id=ORGANISATION,
        id="uuidv7()",
        who_opening=":opening",
        what_opening=":opening",
        **{name: f":{name}" for name in parts},
    )
    by_token = filled(CREDENTIAL, TOKEN_HASH)

    def claim(devices: str, ids: str) -> dict[str, str]:
        return {
            "by_token": by_token,
            "lock": filled(LOCK_BUNDLES, ORGANISATION, devices),
            "claimable": filled(
                CLAIMABLE,
                organisation=ORGANISATION,
                account=ACCOUNT,
                claimant=CLAIMANT,
                devices=devices,
                idempotency_key="NULL::varchar",
                since="now() - interval '1 day'",
                now="now()",
                limit=":limit",
            ),
            "take": filled(
                TAKE_KEYS,
                claims=ids,
                devices=devices,
                at="now()",
                on="current_date",
                organisation=ORGANISATION,
                account=ACCOUNT,
                claimant=CLAIMANT,
                idempotency_key="NULL::varchar",
                request_hash="NULL::bytea",
            ),
            "write": write,
        }

    sources = "CREDENTIAL, LOCK_BUNDLES, CLAIMABLE, TAKE_KEYS and WRITE"
    shape = "The transaction of one claim, as keys/services/claiming.py runs it."
    claim_one = HEAD.format(sources=sources, shape=shape) + CLAIM.format(
        slots=SLOTS, **claim(f"ARRAY[{TARGET}]", "ARRAY[uuidv7()]")
    )
    shape = f"The transaction of a call for {ROOM} devices, as keys/services/claiming.py runs it."
    room_ids = "ARRAY(SELECT uuidv7() FROM unnest(:targets::uuid[]))"
    claim_many = HEAD.format(sources=sources, shape=shape) + CLAIM_MANY.format(
        **claim(":targets::uuid[]", room_ids)
    )
    sources = "CREDENTIAL, LOCK_OWN_BUNDLE, APPEND_KEYS and WRITE"
    shape = f"A batch of {BATCH} one-time pre-keys, as keys/services/bundles.py appends it."
    publish = HEAD.format(sources=sources, shape=shape) + PUBLISH.format(
        last=BATCH - 1,
        by_token=by_token,
        lock=filled(LOCK_OWN_BUNDLE, ORGANISATION, TARGET),
        append=filled(
            APPEND_KEYS,
            organisation=ORGANISATION,
            device=TARGET,
            key_ids=IDS,
            public_keys=KEYS,
            added=str(BATCH),
            highest=":last",
        ),
        write=write,
    )
    return {
        "claim.pgbench.sql": claim_one,
        "claim_many.pgbench.sql": claim_many,
        "publish.pgbench.sql": publish,
        "send.pgbench.sql": send(by_token, write),
    }


def drifted() -> list[str]:
    """The files that no longer hold the application's statements."""
    return [
        name
        for name, text in scripts().items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Writes the scripts, or checks them."""
    parser = argparse.ArgumentParser(prog="python -m bench.statements", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on drift")
    arguments = parser.parse_args()
    # The statements are plain constants; Django wants settings before it lets models be imported.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semafore.settings")
    os.environ.setdefault("SECRET_KEY", "unused: nothing is signed here")

    import django

    django.setup()
    if arguments.check:
        for name in drifted():
            print(f"bench/{name} differs from the application: run python -m bench.statements")
        return bool(drifted())
    for name, text in scripts().items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
