"""Nothing is sent inside, whatever an owner types and whatever a name's server answers."""

import os
import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from pytest_django import Settings

from audit.siem import addresses
from audit.siem.addresses import (
    InvalidAddressError,
    allowed,
    https_target,
    refuse_inside,
    tls_target,
)
from audit.siem.http import Poster
from orgs.models import Membership, Organisation
from tests import cast
from tests.audit.published import publish
from tests.audit.siem.destinations import send, sent_to
from tests.audit.siem.receivers import Receiver, authority

INSIDE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "0.1.2.3", "255.255.255.255"),
    *("169.254.169.254", "168.63.129.16", "100.64.0.1", "100.100.100.200", "192.0.0.192"),
    *("224.0.0.1", "240.0.0.1", "198.18.0.1", "192.0.2.1", "192.88.99.1"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "fd12::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_refused(address: str) -> None:
    assert not allowed(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
)
def test_what_is_public_is_allowed(address: str) -> None:
    assert allowed(ip_address(address))


def test_the_deployments_own_networks_are_allowed_and_no_others(settings: Settings) -> None:
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("10.1.0.0/16"), ip_network("::/0")]

    assert allowed(ip_address("10.1.2.3"))
    assert allowed(ip_address("::ffff:10.1.2.3"))
    assert not allowed(ip_address("10.2.0.1"))
    assert allowed(ip_address("fd12::1"))
    assert not allowed(ip_address("fe80::1"))
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("0.0.0.0/0")]
    assert not allowed(ip_address("169.254.169.254")), "metadata by a wide setting"


@pytest.mark.parametrize(
    "url",
    [
        *("http://siem.example.org/", "ftp://siem.example.org", "//siem.example.org/", "siem"),
        *("https://", "https:///path", "https://user@siem.example.org/"),
        *("https://user:secret@siem.example.org/", "https://siem.example.org/#part"),
        *("https://siem.example.org/#", "https://siem.example.org:0/", "https://a:99999/"),
        f"https://{'a' * 64}.example/",
        *("https://siem.example.org/a b", "https://siem.example.org/\n", "https://siém.example/"),
        *("https://-a.example/", "https://a..example/", "https://[::1/", "https://a\\b/"),
    ],
)
def test_addresses_that_cant_be(url: str) -> None:
    with pytest.raises(InvalidAddressError):
        https_target(url)


def test_addresses_that_can_be() -> None:
    target = https_target("https://SIEM.example.org/collect?index=audit")
    assert (target.host, target.port) == ("siem.example.org", 443)
    assert target.path == "/collect?index=audit"
    assert https_target("https://siem.example.org:8088").path == "/"
    assert tls_target("siem.example.org:6514").port == 6514
    assert tls_target("[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:6514").host.startswith("2606")


@pytest.mark.parametrize(
    "address", ["siem.example.org", "siem:", ":6514", "::1:6514", "siem:http", "siem:-1"]
)
def test_hosts_and_ports_that_cant_be(address: str) -> None:
    with pytest.raises(InvalidAddressError):
        tls_target(address)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/"]
)
def test_what_is_plainly_inside_is_refused_when_it_is_typed(settings: Settings, url: str) -> None:
    with pytest.raises(InvalidAddressError):
        refuse_inside(https_target(url))
    settings.SIEM_ALLOWED_NETWORKS = [
        ip_network(one) for one in ("127.0.0.0/8", "10.0.0.0/8", "::1/128")
    ]
    refuse_inside(https_target(url))


def test_a_setting_that_became_narrower_stops_no_page(
    acme: Organisation, alice: Membership, splunk: Receiver, settings: Settings
) -> None:
    publish(acme)
    row = sent_to(acme, f"https://127.0.0.1:{splunk.port}/")
    settings.SIEM_ALLOWED_NETWORKS = []

    assert send(acme, row).failures == 1
    browser = cast.signed_in(alice)
    page = f"/console/{acme.slug}/siem/{row.id}"
    assert browser.get(page).status_code == 200
    assert browser.post(f"{page}/delete", {"reason": "Inside."}).status_code == 302
    assert splunk.requests == []


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_names_and_numbers_of_this_machine_lead_nowhere(
    acme: Organisation, splunk: Receiver, settings: Settings, host: str
) -> None:
    settings.SIEM_ALLOWED_NETWORKS = []
    publish(acme)
    row = send(acme, sent_to(acme, f"https://{host}:{splunk.port}/"))

    assert splunk.requests == []
    assert row.reason == "Its name leads to an address to which nothing may be sent"
    assert row.state == "active", "a name's server may have been wrong: it is tried again"


class ChangingNames:
    """A name's server that answers otherwise each time, as one does that means harm."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host != "localhost":
            return self.real(host, port, *more, **named)
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answer]


def test_the_address_that_was_looked_at_is_the_one_that_is_dialled(
    acme: Organisation,
    splunk: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("127.0.0.1/32")]
    names = ChangingNames(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    target = https_target(splunk.url)
    with Poster(target, ca=authority().ca) as poster:
        assert poster.post(b"[]", []).status == 200
    assert names.asked == 1, "asked again after the look: the second answer may be inside"

    with Poster(target, ca=authority().ca) as poster, pytest.raises(addresses.AddressRefusedError):
        poster.post(b"[]", [])


def test_one_address_inside_is_enough_to_refuse_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", ChangingNames(["93.184.215.14", "10.0.0.1"]))
    with pytest.raises(addresses.AddressRefusedError):
        addresses.resolve("localhost", 443)


def test_the_certificate_is_the_hosts_not_the_addresss(
    acme: Organisation, splunk: Receiver
) -> None:
    publish(acme)
    row = send(acme, sent_to(acme, f"https://127.0.0.2:{splunk.port}/", ca=authority().ca))
    assert row.failures == 1
    row = send(acme, sent_to(acme, f"https://localhost:{splunk.port}/", name="B", ca=""))

    assert splunk.requests == []
    assert row.reason == "Its certificate is not trusted, or is another host's"


def test_no_proxy_is_taken_from_the_environment(
    acme: Organisation, splunk: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    publish(acme)
    assert send(acme, sent_to(acme, splunk)).failures == 0
