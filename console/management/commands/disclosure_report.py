"""`manage.py disclosure_report PHONE`: the answer to a warrant (docs/disclosure.md)."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.disclosure.text import written
from console.services.disclosure import Disclosed, disclose
from orgs.errors import PhoneInvalid
from orgs.models import Account
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as

REFERENCE_LENGTH = 200


class Command(BaseCommand):
    """To the standard output; the run itself is recorded in the platform's own log."""

    help = "List everything that the server holds on a person, and what it cannot hold."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom, by whom, why, and how it is written."""
        parser.add_argument("phone", help="with its country code, as +447700900350")
        parser.add_argument("--operator", metavar="EMAIL", help="the operator who answers for it")
        parser.add_argument("--reference", default="", help="of the warrant, the case or the order")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Find, record, write."""
        reference: str = options["reference"]
        if len(reference) > REFERENCE_LENGTH or not reference.isprintable():
            raise CommandError(f"A reference has at most {REFERENCE_LENGTH} letters, on one line.")
        try:
            with acting_as(_operator(options["operator"])):
                made = disclose(phone=options["phone"], reference=reference)
        except PhoneInvalid as problem:
            raise CommandError(problem.detail) from None
        heading = {
            "made_at": clock.rfc3339(clock.now()),
            "made_by": options["operator"] or "nobody named",
            "reference": reference,
            "event_id": str(made.event_id),
            "content_sha256": made.disclosure.digest().hex(),
        }
        as_json = options["format"] == "json"
        self.stdout.write(_json(made, heading) if as_json else _text(made, heading))


def _operator(email: str | None) -> Actor:
    """Raises CommandError for an address that is no operator's."""
    if email is None:
        return SYSTEM
    account = Account.objects.filter(email=email.lower(), is_operator=True, is_active=True).first()
    if account is None:
        raise CommandError("There is no operator with this address.")
    return Actor(kind=ActorKind.OPERATOR, id=account.id, label="SemaFore operator")


def _json(made: Disclosed, heading: dict[str, str]) -> str:
    content = json.loads(made.disclosure.content())
    return json.dumps({**heading, "content": content}, ensure_ascii=False, indent=2)


def _text(made: Disclosed, heading: dict[str, str]) -> str:
    words = {name.replace("_", " ").capitalize(): value for name, value in heading.items()}
    lines = [f"Disclosure report on {made.disclosure.phone}"]
    lines += [f"{name}: {value or 'none'}" for name, value in words.items()]
    return "\n".join(lines) + "\n" + written(made.disclosure)
