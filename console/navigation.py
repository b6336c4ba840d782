"""Where one can go from every page: by task, and only what the person's role allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from django.http import HttpRequest
from django.urls import reverse

from audit.selectors.reading import reader_of
from console.selectors.approvals import waiting_decisions
from orgs.models import MaintenanceWindow
from orgs.selectors.maintenance import windows_ahead
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
            Entry("Playbooks", "playbooks", Permission.PEOPLE_READ, "playbooks"),
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
            Entry("Reports", "reports", Permission.INVESTIGATE, "reports"),
        ),
        "Evidence": (
            Entry("Proofs", "proofs", Permission.AUDIT_READ_TRAFFIC, "proofs"),
            Entry("Exports", "exports", Permission.AUDIT_EXPORT, "exports"),
            Entry("Retention", "retention", Permission.AUDIT_READ, "retention"),
        ),
        "Settings": (
            Entry("SIEM", "siem", Permission.SIEM_READ, "siem"),
            Entry("Policy", "settings", Permission.PEOPLE_READ, "settings"),
            Entry("Billing", "billing", Permission.BILLING_READ, "billing"),
            Entry("Maintenance", "maintenance", Permission.PEOPLE_READ, "maintenance"),
            Entry("Managed app", "managed_app", Permission.PEOPLE_READ, "managed-app"),
            Entry(
                "Service tokens",
                "service_tokens",
                Permission.SERVICE_TOKENS_MANAGE,
                "service-tokens",
            ),
        ),
    }
)


COUNTED = "approvals"
"""The page beside which stands how many decisions wait."""


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
                    count=self.waiting if entry.name == COUNTED else 0,
                    current=here.get(entry.name, ""),
                )
                for entry in entries
                if entry.name in addresses
            ]
            for section, entries in SECTIONS.items()
        }
        return [(section, steps) for section, steps in shown.items() if steps]

    @cached_property
    def waiting(self) -> int:
        """Decisions of all kinds of which the person knows."""
        return waiting_decisions(reader_of(self._seat)) if self._seat else 0

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

    @cached_property
    def maintenance(self) -> list[MaintenanceWindow]:
        """What stands above every page: the windows that lie ahead."""
        return list(windows_ahead())

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


def shell_of(request: HttpRequest) -> Shell:
    """The one of this request: what the view has asked of it, the template finds read."""
    shell: Shell | None = getattr(request, "shell", None)
    if shell is None:
        shell = request.shell = Shell(request)  # type: ignore[attr-defined]
    return shell
