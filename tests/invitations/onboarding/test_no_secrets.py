"""Tokens, codes and keys of an onboarding are found nowhere but with who they are for."""

import re

import pytest

from invitations.services.tokens import invitation_token
from orgs.models import Membership, Organisation
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.test_totp import code_of, key_in, wrong
from tests.test_no_secrets import Secrets, every_log_line, every_value, everything_in_redis

pytestmark = pytest.mark.django_db


def test_nothing_of_an_onboarding_stays_in_clear(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    secrets = Secrets()
    with every_log_line() as lines:
        device, token = acts.client(), invitation_token(acts.invite(acme))
        secrets.plant("an invitation token", token)
        device.start(token)
        code = acts.code_for(acme)
        acts.refused(lambda: device.prove_phone(acts.another(code)))
        device.prove_phone(code)
        secrets.plant("a session token", str(device._session["session_token"]))
        key = key_in(device.set_up_totp())
        secrets.plant("a TOTP key", key)
        acts.refused(lambda: device.prove_totp(wrong(key)))
        device.prove_totp(code_of(key))
        row = acts.device_of(acme, device.register(acts.body(device)))
        acts.approve(alice, row)
        link = bob_phone.api.link_token()
        secrets.plant("a link token", link)
        acts.refused(lambda: acts.client().start(link + "x"))
        acts.client().start(link)
    found = [
        (place, name)
        for place, value in [*every_value(), *everything_in_redis()]
        for name in secrets.found_in(value)
    ]
    assert not found
    assert not secrets.found_in("\n".join(lines).encode())
    # Six digits may stand in any longer number, and any time, of a line or of an event.
    number = re.compile(rf"(?<![\w.]){code}(?!\w|\.\d)")
    assert number.search(f"code={code}.")
    assert not [line for line in lines if number.search(line)]
    assert not number.search(str([what["data"] for what in cast.events(acme)]))
