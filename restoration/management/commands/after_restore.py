"""`manage.py after_restore`: what lets devices in again after a restore (docs/restore.md)."""

import hashlib
from argparse import RawDescriptionHelpFormatter
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.logs import PLATFORM_LOG, PLATFORM_LOG_ID
from audit.services.checkpoints import checkpoint_signers
from audit.services.signer import RefusedError
from audit.state import SignerState
from orgs.models import Organisation
from restoration.lost_events import LostEvent, UnreadableError, read
from restoration.models import Restoration
from restoration.services.reapplying import Outcome, Reapplied
from restoration.services.restoring import (
    Copies,
    NotRestoredError,
    Settled,
    begin,
    go_on,
    settle,
    settle_platform,
)

HELP = """\
Runs where the log process does: it needs LOG_STATE_DIR and CHECKPOINT_KEYS.

Voids keys and tokens that may have been used or taken back since the backup, carries out again what
is known of the lost time, starts new log origins, and lets devices in. A run that was interrupted
is taken up by the same call; a file that turns up later is carried out by another."""


class Command(BaseCommand):
    """Sees to a database that was restored from a backup."""

    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the help's paragraphs."""
        kwargs["formatter_class"] = RawDescriptionHelpFormatter
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """What happened, what is known of it."""
        parser.add_argument("--reason", required=True, help="stands in the logs for ever")
        parser.add_argument(
            "--events",
            action="append",
            default=[],
            metavar="SLUG=FILE",
            help="copies of an organisation's lost events: a SIEM's file (OCSF, HEC, RFC 5424) or "
            "an export in JSON Lines; may be given several times",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument(
            "--anyway",
            action="store_true",
            help="also where the log process found nothing missing: after the promotion of a "
            "replica that wasn't synchronous",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it; CommandError says what stands in the way."""
        copies = _copies(options["events"])
        try:
            checkpoint_signers(PLATFORM_LOG.origin())
            with SignerState(Path(settings.LOG_STATE_DIR)) as state:
                self._restore(state, copies, options)
        except (ImproperlyConfigured, RefusedError) as error:
            raise CommandError(str(error)) from error
        except NotRestoredError:
            raise CommandError(
                "The log process found nothing missing in this database, or has not looked at it "
                "yet: start it first. If you know that something was lost all the same, such as "
                "with a replica that was not synchronous, say --anyway."
            ) from None

    def _restore(self, state: SignerState, copies: Copies, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            with transaction.atomic():
                self._settle_all(state, copies, options)
                transaction.set_rollback(True)
            self.stdout.write("Nothing was changed: this was a dry run.")
            return
        restoration = self._settle_all(state, copies, options)
        for origin in go_on(restoration=restoration, state=state):
            self.stdout.write(f"The log goes on as {origin}.")
        self.stdout.write("Devices are let in. Now: manage.py audit_log verify --all")

    def _settle_all(
        self, state: SignerState, copies: Copies, options: dict[str, Any]
    ) -> Restoration:
        restoration = begin(state=state, reason=options["reason"], anyway=options["anyway"])
        self._interval(restoration)
        for organisation in Organisation.objects.order_by("slug"):
            done = settle(restoration=restoration, organisation=organisation, copies=copies)
            self._settled(restoration, done)
        voided = settle_platform(restoration=restoration)
        if voided:
            self.stdout.write(
                f"Everybody: {voided.sessions} sessions and {voided.mailed_links} mailed links "
                "are void."
            )
        return restoration

    def _interval(self, restoration: Restoration) -> None:
        since, until = (
            f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "the beginning"
            for at in (restoration.since, restoration.until)
        )
        if restoration.lost:
            self.stdout.write(f"Lost: from {since} to {until}.")
        else:
            self.stdout.write("No log lost an entry that was signed.")
        names = dict(Organisation.objects.values_list("log_id", "slug"))
        names[PLATFORM_LOG_ID] = "platform"
        for log_id, (first, end) in sorted(restoration.lost.items()):
            name = names.get(log_id, f"an organisation founded since, log {log_id}")
            self.stdout.write(f"  {name}: {end - first} entries, from {first} to {end - 1}")

    def _settled(self, restoration: Restoration, done: Settled) -> None:
        slug, voided = done.organisation.slug, done.voided
        if voided:
            self.stdout.write(
                f"{slug}: void are {voided.one_time_pre_keys} one-time pre-keys, "
                f"{voided.device_tokens} device tokens, {voided.service_tokens} service tokens, "
                f"{voided.link_tokens} link tokens, {voided.onboardings} onboardings."
            )
        first, end = restoration.lost.get(done.organisation.log_id, (0, 0))
        if not end - first:
            return
        known = len(done.results)
        self.stdout.write(f"{slug}: of {end - first} lost events, {known} are known.")
        for outcome in Outcome:
            self._listed(outcome, [one for one in done.results if one.outcome is outcome])

    def _listed(self, outcome: Outcome, results: Sequence[Reapplied]) -> None:
        """Noted ones are counted alone: there may be thousands."""
        if not results:
            return
        self.stdout.write(f"  {WORDS[outcome]}: {len(results)}")
        if outcome is Outcome.NOTED:
            return
        for one in results:
            about = " ".join(f"{kind} {id_}" for kind, id_ in sorted(one.event.about.items()))
            detail = f" ({one.detail})" if one.detail else ""
            self.stdout.write(f"    {one.event.seq} {one.event.type} {about}{detail}")


WORDS = {
    Outcome.REAPPLIED: "carried out again",
    Outcome.STANDING: "stand already",
    Outcome.NOTED: "nothing to carry out",
    Outcome.AGAIN: "for you to look at, and to decide again",
}


def _copies(named: Sequence[str]) -> Copies:
    """The events of the files. Raises CommandError."""
    of: dict[UUID, list[LostEvent]] = defaultdict(list)
    digests: dict[UUID, list[bytes]] = defaultdict(list)
    for name in named:
        organisation_id, path = _whose(name)
        try:
            content = path.read_bytes()
            digests[organisation_id].append(hashlib.sha256(content).digest())
            for event in read(content.decode().split("\n")):
                if event.organisation_id not in {None, organisation_id}:
                    raise CommandError(f"{path} has an event of another organisation.")
                of[organisation_id].append(event)
        except (OSError, UnicodeDecodeError, UnreadableError) as error:
            raise CommandError(f"{path} can't be read: {error}") from error
    return Copies(of, digests)


def _whose(name: str) -> tuple[UUID, Path]:
    """Whoever handed the file over could have written events of others into it."""
    slug, _, path = name.partition("=")
    found = Organisation.objects.filter(slug=slug).values_list("id", flat=True).first()
    if found is None:
        raise CommandError(f"No organisation is called {slug}: say --events SLUG=FILE.")
    return found, Path(path)
