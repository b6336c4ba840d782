"""`manage.py audit_log`: the log process, and what a person does about logs (docs/log.md)."""

import signal
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.log_process import LogProcess
from audit.logs import PLATFORM_LOG, Log
from audit.selectors.checkpoints import SignedHead, latest_checkpoint
from audit.selectors.health import LogState, log_state
from audit.selectors.integrity import Finding, verify_log
from audit.selectors.tree import tree_head
from audit.services.checkpoints import checkpoint_signers
from audit.services.receipts import INCLUDED_WITHIN
from audit.services.recovery import NothingToDoError, adopt, start_origin
from audit.services.signer import Refusal
from audit.state import SignerState
from semafore.kernel.logs import end_in_the_log, this_process_is

ADOPT, NEW_ORIGIN = "adopt", "new-origin"

Recover = Callable[..., SignedHead]
RECOVERIES: dict[str, Recover] = {ADOPT: adopt, NEW_ORIGIN: start_origin}


class Command(BaseCommand):
    """Runs the log process, shows and verifies logs, and takes a person's word for a halted one."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """An action each."""
        actions = parser.add_subparsers(dest="action", required=True)
        run = actions.add_parser("run", help="give events their places, sign, publish; until ended")
        run.add_argument("--once", action="store_true", help="end when nothing waits")
        actions.add_parser("status", help="how far each log is; exit 1 if one is halted or behind")
        verify = actions.add_parser("verify", help="recompute everything from the events up")
        _which(verify, every=True)
        for name, what in (
            (ADOPT, "take the newest checkpoint for the last one signed"),
            (NEW_ORIGIN, "go on under a new name, saying what was lost"),
        ):
            recovery = actions.add_parser(name, help=what)
            _which(recovery, every=name == ADOPT)
            recovery.add_argument("--reason", required=True, help="stands in the log for ever")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what was asked; CommandError says what to do about a failure."""
        try:
            match options["action"]:
                case "run":
                    self._run(once=options["once"])
                case "status":
                    self._status()
                case "verify":
                    self._verify(_logs(options))
                case _:
                    self._recover(options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def _run(self, *, once: bool) -> None:
        checkpoint_signers(PLATFORM_LOG.origin())
        this_process_is("log")
        end_in_the_log()
        with _state() as state:
            process = LogProcess(state)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, process.ask_to_end)
            if not once:
                process.run()
            elif not process.drain():
                raise CommandError("A log was not brought up to date: see above.")

    def _status(self) -> None:
        self.stdout.write(ROW.format("log", "size", "signed", "age", "waiting", "state"))
        late = False
        for log, name in _every_log():
            state = log_state(log)
            halted = bool(state.halted_reason)
            late |= halted or state.behind > INCLUDED_WITHIN
            self.stdout.write(_row(name, state))
            if halted:
                self.stdout.write(f"    {_remedy(state.halted_reason)}")
        if late:
            raise CommandError("A log is halted, or events wait for longer than was promised.")

    def _verify(self, logs: Iterable[tuple[Log, str]]) -> None:
        wrong = 0
        for log, name in logs:
            finding = verify_log(log, progress=self._progress(log, name))
            if sys.stderr.isatty():
                self.stderr.write("\r\033[K", ending="")
            self.stdout.write(f"{name}: {_words(finding)}")
            wrong += finding.fault is not None
        if wrong:
            raise CommandError(f"{wrong} of the logs can't be trusted as it stands.")

    def _progress(self, log: Log, name: str) -> Callable[[int], None]:
        size = tree_head(log).size

        def show(done: int) -> None:
            if sys.stderr.isatty():
                share = done / max(size, 1)
                bar = "#" * round(30 * share)
                self.stderr.write(f"\r{name} [{bar:30}] {share:4.0%}", ending="")

        return show

    def _recover(self, options: dict[str, Any]) -> None:
        recover = RECOVERIES[options["action"]]
        with _state() as state:
            for log, name in _logs(options):
                if options["every"] and not latest_checkpoint(log):
                    continue
                try:
                    signed = recover(log=log, state=state, reason=options["reason"])
                except NothingToDoError as error:
                    if not options["every"]:
                        raise CommandError(f"{name}: {error}.") from error
                    continue
                self.stdout.write(f"{name}: goes on as {signed.origin} from {signed.size} entries")


ROW = "{:<32} {:>10} {:>10} {:>9} {:>9}  {}"


def _row(name: str, state: LogState) -> str:
    age = _seconds(state.signed_ago) if state.signed_ago is not None else "never"
    waiting = _seconds(state.behind)
    word = f"HALTED: {state.halted_reason}" if state.halted_reason else "ok"
    return ROW.format(name[:32], state.size, state.checkpoint_size, age, waiting, word)


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():.0f} s"


def _remedy(reason: str) -> str:
    refusal = Refusal(reason)
    return f"{refusal.meaning}: {refusal.remedy}"


def _words(finding: Finding) -> str:
    if finding.fault:
        return f"WRONG, {finding.fault}"
    return f"{finding.entries} entries and {finding.checkpoints} checkpoints hold"


def _state() -> SignerState:
    return SignerState(Path(settings.LOG_STATE_DIR))


def _which(parser: CommandParser | Any, *, every: bool) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--organisation", metavar="SLUG", help="of this organisation")
    group.add_argument("--platform", action="store_true", help="of the platform itself")
    parser.set_defaults(every=False)
    if every:
        group.add_argument("--all", action="store_true", dest="every", help="every log")


def _logs(options: dict[str, Any]) -> list[tuple[Log, str]]:
    """The logs that the options name, with a name for people."""
    if options["platform"]:
        return [(PLATFORM_LOG, "platform")]
    if options["every"]:
        return _every_log()
    slug = options["organisation"]
    organisations = apps.get_model("orgs", "Organisation").objects
    found = organisations.filter(slug=slug).values_list("id", "log_id").first()
    if found is None:
        raise CommandError(f"No organisation is called {slug}.")
    return [(Log(*found), slug)]


def _every_log() -> list[tuple[Log, str]]:
    organisations = apps.get_model("orgs", "Organisation").objects
    rows = organisations.order_by("slug").values_list("id", "log_id", "slug")
    return [(Log(id_, log_id), slug) for id_, log_id, slug in rows] + [(PLATFORM_LOG, "platform")]
