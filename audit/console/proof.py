"""One proof of existence that was made: in words, as files, and with what checks it."""

from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from audit import verifier
from audit.console.facts import named
from audit.logs import current_log
from audit.notes import signing_keys
from audit.selectors.existence import Transit
from audit.selectors.exports import organisation_name
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.reading import reader_of
from audit.services.existence import Taken, view_proof
from audit.statements import statement
from audit.verify_page import inlined_styles, verify_page
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound


class _TakenView(ConsoleView):
    """Something of a proof that was made, made again under the newest checkpoint."""

    requires = Permission.AUDIT_READ_TRAFFIC

    def taken(self, event_id: UUID) -> Taken:
        """By the event that records it. Raises NotFound."""
        return view_proof(record_id=event_id, reader=reader_of(self.seat))

    def transit(self, event_id: UUID) -> Transit:
        """Its message. Raises NotFound, also once retention has deleted that it transited."""
        return self.taken(event_id).transit or _nothing_left()


def _nothing_left() -> NoReturn:
    raise NotFound


class ProofPageView(_TakenView):
    """What is proved in words, and the files that prove it."""

    title = "Proof of existence"

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The page of one. Raises NotFound."""
        taken = self.taken(event_id)
        context: dict[str, Any] = {"taken": taken, "made_by": named(taken.record.who, "actor")}
        if taken.transit is not None:
            vkeys = checkpoint_vkeys(current_log())
            context |= {
                "statement": statement(taken.transit),
                "message_event": taken.transit.event.id,
                "keys": signing_keys(taken.transit.checkpoint.note, vkeys),
            }
        return self.page(request, "console/proofs/proof.html", context)


class ProofFileView(_TakenView):
    """The proof (C2SP tlog-proof)."""

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The file. Raises NotFound."""
        del request
        transit = self.transit(event_id)
        return _file(
            transit.proof.text,
            f"message-{transit.event.id}.tlog-proof",
            "text/plain; charset=utf-8",
        )


class ProofStatementView(_TakenView):
    """The statement as a page of its own, to be printed or to go with the proof."""

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The file. Raises NotFound."""
        del request
        taken = self.taken(event_id)
        transit = taken.transit or _nothing_left()
        page = render_to_string(
            "evidence/existence.html",
            {
                "statement": statement(transit),
                "taken": taken,
                "organisation": organisation_name(),
                "file": f"message-{transit.event.id}.tlog-proof",
                "keys": signing_keys(transit.checkpoint.note, checkpoint_vkeys(current_log())),
                "styles": inlined_styles(),
            },
        )
        return _file(page, f"message-{transit.event.id}-statement.html", "text/html; charset=utf-8")


class VerifyPageView(ConsoleView):
    """The page that checks a proof in a browser, without this server."""

    requires = Permission.AUDIT_READ_TRAFFIC

    def get(self, request: HttpRequest) -> HttpResponse:
        """The file."""
        del request
        return _file(verify_page(), "verify.html", "text/html; charset=utf-8")


class VerifierView(ConsoleView):
    """The program that checks a proof with Python alone."""

    requires = Permission.AUDIT_READ_TRAFFIC

    def get(self, request: HttpRequest) -> HttpResponse:
        """The file."""
        del request
        program = Path(verifier.__file__).read_text("utf-8")
        return _file(program, "verifier.py", "text/x-python; charset=utf-8")


def _file(content: str, name: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
