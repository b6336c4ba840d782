"""Where one can go from every page: by task, and only what the person's role allows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from django.http import HttpRequest
from django.urls import reverse

from console.selectors.approvals import waiting_decisions
from orgs.selectors.seats import Seat, seats_of
from semafore.kernel.http.console import page_exists
from semafore.kernel.permissions import Permission

HOME = "overview"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation; without a route of that name yet, it is left out."""

    label: str
    name: str
    permission: Permission
    icon: str


SECTIONS: Mapping[str, tuple[Entry, ...]] = MappingProxyType(
    {
        "Now": (
            Entry("Overview", HOME, Permission.CONSOLE_ENTER, "overview"),
            Entry("Approvals", "approvals", Permission.PEOPLE_READ, "approvals"),
            Entry("Search", "search", Permission.PEOPLE_READ, "search"),
        ),
        "People": (
            Entry("Members", "members", Permission.PEOPLE_READ, "members"),
            Entry("Devices", "devices", Permission.PEOPLE_READ, "devices"),
            Entry("Reachability", "reachability", Permission.PEOPLE_READ, "reachability"),
            Entry("Invitations", "invitations", Permission.PEOPLE_READ, "invitations"),
        ),
        "Rooms": (
            Entry("Rooms", "rooms", Permission.PEOPLE_READ, "rooms"),
            Entry("External parties", "parties", Permission.PEOPLE_READ, "parties"),
            Entry("Broadcasts", "broadcasts", Permission.PEOPLE_READ, "broadcasts"),
            Entry("Screenshot reports", "screenshots", Permission.PEOPLE_READ, "screenshots"),
        ),
        "Audit": (
            Entry("Audit log", "audit", Permission.AUDIT_READ, "audit"),
            Entry("Reports", "reports", Permission.AUDIT_READ_TRAFFIC, "reports"),
        ),
        "Evidence": (
            Entry("Proofs", "proofs", Permission.AUDIT_READ, "proofs"),
            Entry("Exports", "exports", Permission.AUDIT_EXPORT, "exports"),
            Entry("Retention", "retention", Permission.AUDIT_READ, "retention"),
        ),
        "Settings": (
            Entry("Policy", "settings", Permission.PEOPLE_READ, "settings"),
            Entry(
                "Service tokens",
                "service_tokens",
                Permission.SERVICE_TOKENS_MANAGE,
                "service-tokens",
            ),
        ),
    }
)


COUNTS: Mapping[str, Callable[[frozenset[Permission]], int]] = MappingProxyType(
    {"approvals": waiting_decisions}
)
"""What waits for a decision, by the name of the page where it is made."""


@dataclass(frozen=True, slots=True)
class Step:
    """An entry as one person sees it on one page."""

    label: str
    address: str
    icon: str
    count: int
    current: str
    """`page` on the page itself, `true` on those below it, else empty."""


@dataclass(frozen=True, slots=True)
class Console:
    """One of the organisations between which the person can switch."""

    name: str
    address: str
    current: bool


class Shell:
    """What stands around a page; nothing is read before the template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._seat: Seat | None = getattr(request, "seat", None)

    @cached_property
    def sections(self) -> list[tuple[str, list[Step]]]:
        """The navigation, without empty sections."""
        if self._seat is None:
            return []
        slug = self._seat.slug
        addresses = {
            entry.name: reverse(entry.name, args=[slug])
            for entries in SECTIONS.values()
            for entry in entries
            if entry.permission in self._seat.permissions and page_exists(entry.name)
        }
        here = self._here(addresses)
        shown = {
            section: [
                Step(
                    label=entry.label,
                    address=addresses[entry.name],
                    icon=entry.icon,
                    count=COUNTS[entry.name](self._seat.permissions) if entry.name in COUNTS else 0,
                    current=here.get(entry.name, ""),
                )
                for entry in entries
                if entry.name in addresses
            ]
            for section, entries in SECTIONS.items()
        }
        return [(section, steps) for section, steps in shown.items() if steps]

    def _here(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """The entry to which the page belongs: the longest address that it begins with."""
        path = self._request.path
        above = [name for name in addresses if name != HOME and path.startswith(addresses[name])]
        if HOME in addresses and path == addresses[HOME]:
            above = [HOME]
        if not above:
            return {}
        nearest = max(above, key=lambda name: len(addresses[name]))
        return {nearest: "page" if path == addresses[nearest] else "true"}

    @cached_property
    def consoles(self) -> list[Console]:
        """Every organisation that the person may enter."""
        if self._seat is None or not self._request.user.is_authenticated or not page_exists(HOME):
            return []
        return [
            Console(
                name=seat.organisation_name,
                address=reverse(HOME, args=[seat.slug]),
                current=seat.slug == self._seat.slug,
            )
            for seat in seats_of(self._request.user)
        ]

    @property
    def home(self) -> str:
        """The overview of this console."""
        return self._address(HOME)

    @property
    def search(self) -> str:
        """Where the search box leads."""
        return self._address("search")

    @property
    def account(self) -> str:
        """The person's own page."""
        return reverse("account") if page_exists("account") else ""

    @property
    def sign_out(self) -> str:
        """Where the session ends."""
        return reverse("sign_out") if page_exists("sign_out") else ""

    def _address(self, name: str) -> str:
        if self._seat is None or not page_exists(name):
            return ""
        return reverse(name, args=[self._seat.slug])
