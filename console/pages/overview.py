"""What needs a decision now, then the state."""

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from audit.services.signer import Refusal
from console.navigation import shell_of
from console.selectors.overview import SOON, Overview, overview
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

PROMISED = timedelta(seconds=60)
"""Within this every event stands under a published checkpoint (audit-log.md)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that waits for a person."""

    count: int
    what: str
    act: str
    url: str


class OverviewView(ConsoleView):
    """The first page."""

    requires = Permission.CONSOLE_ENTER
    title = "Overview"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        state = overview(waiting=shell_of(request).waiting)
        context = {
            "decisions": self.decisions(state),
            "state": state,
            "behind": state.log.behind > PROMISED,
            "why_halted": Refusal(state.log.halted_reason).meaning if state.log.halted_at else "",
        }
        return self.page(request, "console/overview.html", context)

    def decisions(self, state: Overview) -> list[Decision]:
        """What waits, the most urgent first; nothing for what this person may not decide."""
        offered = [
            (
                Permission.MEMBERS_APPROVE,
                Decision(
                    state.waiting,
                    _of(
                        state.waiting,
                        "decision waits",
                        "decisions wait",
                    ),
                    "See what is asked for, and decide",
                    self.link("approvals"),
                ),
            ),
            (
                Permission.ROOMS_MANAGE,
                Decision(
                    state.ending_rooms,
                    _of(
                        state.ending_rooms,
                        f"external room ends within {SOON} days",
                        f"external rooms end within {SOON} days",
                    ),
                    "Extend, or let it end",
                    f"{self.link('rooms')}?kind=external&ends_within={SOON}",
                ),
            ),
            (
                Permission.ROOMS_MANAGE,
                Decision(
                    state.sponsorless_guests,
                    _of(
                        state.sponsorless_guests,
                        "guest has no sponsor any more: nobody answers for them",
                        "guests have no sponsor any more: nobody answers for them",
                    ),
                    "Find somebody who does",
                    self.link("guests_take_over"),
                ),
            ),
            (
                Permission.SIEM_READ,
                Decision(
                    state.siem_troubles,
                    _of(
                        state.siem_troubles,
                        "SIEM destination doesn't get the events that it should",
                        "SIEM destinations don't get the events that they should",
                    ),
                    "See what is wrong",
                    self.link("siem"),
                ),
            ),
            (
                Permission.MEMBERS_INVITE,
                Decision(
                    state.failed_invitations,
                    _of(
                        state.failed_invitations,
                        "invitation could not be delivered",
                        "invitations could not be delivered",
                    ),
                    "See why, and send again",
                    f"{self.link('invitations')}?delivery=failed",
                ),
            ),
            (
                Permission.PEOPLE_READ,
                Decision(
                    state.expired_keys,
                    _of(
                        state.expired_keys,
                        "device has an expired signed pre-key: nobody can begin to write to it",
                        "devices have expired signed pre-keys: nobody can begin to write to them",
                    ),
                    "See whose, and ask them to open the app",
                    f"{self.link('devices')}?health=expired",
                ),
            ),
            (
                Permission.DEVICES_REPORT_LOST,
                Decision(
                    state.deviating,
                    _of(
                        state.deviating,
                        "device deviates from the settings of the managed app",
                        "devices deviate from the settings of the managed app",
                    ),
                    "See whose and in what, and help them",
                    f"{self.link('devices')}?posture=deviates",
                ),
            ),
        ]
        return [
            decision
            for permission, decision in offered
            if decision.count and permission in self.seat.permissions
        ]


def _of(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
