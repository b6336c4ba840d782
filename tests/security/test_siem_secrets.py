"""The secret of a SIEM is nowhere in clear, whatever its receiver says."""

from ipaddress import ip_network

import pytest
from pytest_django import Settings

from audit.errors import SiemInvalid
from audit.selectors.reading import Reader
from audit.services.siem.destinations import change_destination
from audit.services.siem.testing import send_test
from audit.siem.formats import Format
from orgs.models import Organisation
from semafore.kernel.permissions import Permission
from tests.audit.published import publish
from tests.audit.siem import receivers
from tests.audit.siem.destinations import reload, send, sent_to, setup
from tests.cast import inside
from tests.test_no_secrets import (
    Secrets,
    every_log_line,
    every_value,
    everything_in_redis,
    leaks,
)

pytestmark = pytest.mark.django_db

SIEM_HEADER = "planted-value-of-a-header"


def says_it_again(status: int) -> receivers.Behaviour:
    """The secret, with and without the scheme before it."""

    def behave(handler: receivers.Handler) -> None:
        handler.take()
        told = handler.headers["Authorization"]
        handler.answer(status, f'{{"code": 4, "you": "{told} {told.split()[1]}"}}'.encode())

    return behave


@pytest.mark.parametrize("status", [200, 403, 500])
def test_no_secret_of_a_siem_stays_anywhere(
    acme: Organisation, settings: Settings, status: int
) -> None:
    """Whatever the receiver does with it: it says it again."""
    secrets = Secrets()
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
    for name, secret in (("a SIEM's token", "planted-hec-token-1234"), ("one", SIEM_HEADER)):
        secrets.plant(name, secret)
        publish(acme)
    with receivers.receiver(says_it_again(status)) as siem, every_log_line() as lines:
        hec = sent_to(acme, siem, secret="planted-hec-token-1234")
        ocsf = sent_to(
            acme,
            siem,
            name="Other",
            format=Format.OCSF,
            header="Authorization",
            secret=f"Bearer {SIEM_HEADER}",
        )
        for row in (hec, ocsf):
            send(acme, row)
            with inside(acme):
                send_test(destination_id=row.id, reader=Reader(frozenset(Permission)))
                with pytest.raises(SiemInvalid):
                    change_destination(
                        destination_id=row.id,
                        setup=setup("https://elsewhere.example.org/"),
                        secret=f"{SIEM_HEADER}\n",
                    )
    assert {request.headers["Authorization"] for request in siem.requests} == {
        "Splunk planted-hec-token-1234",
        f"Bearer {SIEM_HEADER}",
    }
    assert any("siem" in line or "http" in line for line in lines)
    assert all("(hidden)" in reload(acme, row).answers[0]["said"] for row in (hec, ocsf))
    assert leaks(secrets, ((line[:60], line.encode()) for line in lines)) == []
    assert leaks(secrets, everything_in_redis()) == []
    assert leaks(secrets, every_value()) == []
