"""What Overview says of the audit log: that all is well, that it is behind, that it is halted."""

from datetime import timedelta
from pathlib import Path

from audit.log_process import LogProcess
from audit.state import SignerState
from orgs.models import Membership, Organisation
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from tests import cast
from tests.audit.published import publish

BEHIND = "The audit log is behind"
HALTED = "The audit log has been halted since"


def overview(person: Membership) -> str:
    """What the person reads there."""
    answer = cast.signed_in(person).get(f"/console/{person.organisation.slug}/")
    assert answer.status_code == 200
    return answer.content.decode()


def suspend(of: Organisation, *, ago: timedelta) -> None:
    """An event of so long ago, which waits for its place."""
    with clock.moved_by(-ago):
        dora = cast.member(of, "Dora")
        with cast.inside(of):
            suspend_membership(membership_id=dora.id, reason="leave")


def halt(of: Organisation, folder: Path) -> None:
    """By a log process whose file knows nothing of the checkpoints that there are."""
    with cast.inside(of):
        publish(of)
    with SignerState(folder) as forgetful:
        assert not LogProcess(forgetful).drain()


def test_it_says_nothing_while_the_log_keeps_up(acme: Organisation, alice: Membership) -> None:
    with cast.inside(acme):
        publish(acme)
    suspend(acme, ago=timedelta(seconds=30))

    page = overview(alice)
    assert BEHIND not in page
    assert HALTED not in page


def test_it_says_that_the_log_is_behind(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    with cast.inside(acme):
        publish(acme)
    suspend(acme, ago=timedelta(seconds=70))

    assert BEHIND in overview(alice)
    assert BEHIND not in overview(charlie)
    with cast.inside(acme):
        publish(acme)
    assert BEHIND not in overview(alice), "it has caught up"


def test_it_says_that_the_log_is_halted_and_why(
    acme: Organisation, alice: Membership, tmp_path: Path
) -> None:
    halt(acme, tmp_path)
    # What waits because the log is halted is no second trouble.
    suspend(acme, ago=timedelta(minutes=5))

    page = overview(alice)
    assert HALTED in page
    assert "the signer&#x27;s file knows of none" in page
    assert "<code>state_missing</code>" in page
    assert BEHIND not in page


def test_anothers_halt_is_not_told(
    acme: Organisation, alice: Membership, charlie: Membership, tmp_path: Path
) -> None:
    halt(acme, tmp_path)

    assert HALTED in overview(alice)
    assert HALTED not in overview(charlie)
