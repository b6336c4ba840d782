"""Proofs that a message transited: find the message, have it proved, take the proof away."""

import re
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.console.case import PARAMETER, carried, case_of
from audit.console.facts import Named, named
from audit.forms.fields import TO_THE_MINUTE, CaseReferenceField, ReasonField
from audit.selectors.events import Line
from audit.selectors.existence import MINUTE, Asked
from audit.selectors.reading import reader_of
from audit.services.existence import (
    Existence,
    list_proofs,
    prove_existence,
    search_messages,
)
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

HASH = re.compile(r"[0-9a-f]{64}")


class ProofForm(forms.Form):
    """Which message, and why."""

    one_of = ("message_id", "ciphertext_sha256")
    """One is needed: neither is called optional."""

    message_id = forms.UUIDField(
        label="Message id",
        required=False,
        help_text="By which the sender's device knows the message. Give this, or a ciphertext.",
    )
    ciphertext_sha256 = forms.CharField(
        label="Or the SHA-256 of a ciphertext",
        required=False,
        help_text="64 hexadecimal digits.",
    )
    reason = ReasonField(
        help_text="Stands in the audit log.",
    )
    case_reference = CaseReferenceField(
        help_text="Of the case or the request that this proof is for.",
    )

    def clean_ciphertext_sha256(self) -> bytes | None:
        """32 bytes; some tools print the digits in groups."""
        digits = "".join(self.cleaned_data["ciphertext_sha256"].split()).lower()
        if not digits:
            return None
        if not HASH.fullmatch(digits):
            raise forms.ValidationError("A SHA-256 has 64 digits, each 0 to 9 or a to f.")
        return bytes.fromhex(digits)

    def clean(self) -> dict[str, Any]:
        """Exactly one of id and hash."""
        typed = self.cleaned_data
        if not {"message_id", "ciphertext_sha256"} & self.errors.keys():
            given = [typed.get("message_id"), typed.get("ciphertext_sha256")]
            if all(given):
                self.add_error("ciphertext_sha256", "Give one of the two, not both.")
            elif not any(given):
                self.add_error("message_id", "Give a message id, or a ciphertext.")
        return typed

    def asked(self) -> Asked:
        """Of a valid form."""
        typed = self.cleaned_data
        return Asked(typed["message_id"], typed["ciphertext_sha256"])


class MinuteForm(forms.Form):
    """A minute, and of what happened in it who and where."""

    at = forms.DateTimeField(
        label="Minute, in UTC",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=TO_THE_MINUTE),
    )
    sender = forms.UUIDField(required=False, widget=forms.Select)
    room = forms.UUIDField(required=False, widget=forms.Select)
    investigation = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def of_any_minute(self) -> None:
        """Ask for the minute alone: who and where is offered of what happened in it."""
        del self.fields["sender"], self.fields["room"]

    def offer(self, field: str, labels: dict[UUID, str]) -> None:
        """Let one of these be chosen; an id in the address that isn't among them stays chosen."""
        chosen = self.cleaned_data[field]
        known = labels if chosen is None else {chosen: str(chosen)} | labels
        choices = [(str(id_), label or str(id_)) for id_, label in known.items()]
        widget = self.fields[field].widget
        widget.choices = [("", "Any"), *choices]


class ProofsView(ConsoleView):
    """The proofs that were made, the newest first."""

    requires = Permission.AUDIT_READ_TRAFFIC
    title = "Proofs of existence"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        found = list_proofs(reader=reader_of(self.seat), cursor=request.GET.get("cursor"))
        context = {
            "page": found,
            "proofs": [_taken(line) for line in found.lines],
            "new": self.link("proof_new") + carried(request.GET),
            "find": self.link("proof_messages") + carried(request.GET),
        }
        return self.page(request, "console/proofs/list.html", context)


def _taken(line: Line) -> dict[str, Any]:
    data = line.what["data"] if line.what else {}
    sha256 = data.get("ciphertext_sha256")
    return {
        "row": line.row,
        "data": data,
        "sha256": b64decode(sha256).hex() if sha256 else "",
        "actor": named(line.who, "actor"),
    }


class ProofNewView(ConsoleView):
    """Have a message proved, or a ciphertext of one."""

    requires = Permission.AUDIT_READ_TRAFFIC
    title = "Prove that a message transited"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask; the message's id may stand in the address, and an investigation. Raises NotFound."""
        case = case_of(request.GET, reader_of(self.seat))
        initial = {"message_id": request.GET.get("message_id"), **(case.why() if case else {})}
        return self._ask(request, ProofForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Prove it and show the proof; or say why there is none."""
        form = ProofForm(request.POST)
        if form.is_valid():
            made = prove_existence(
                asked=form.asked(),
                reader=reader_of(self.seat),
                reason=form.cleaned_data["reason"],
                case_reference=form.cleaned_data["case_reference"],
            )
            if made.proved:
                return HttpResponseRedirect(self._shown(request, made))
            form.add_error(None, _why_none(made))
        return self._ask(request, form, status=422)

    def _shown(self, request: HttpRequest, made: Existence) -> str:
        """The address of the proof; of several, their list."""
        if made.found == 1:
            return self.link("proof", made.proved[0].record_id)
        messages.info(
            request,
            f"{made.found} messages fit. {len(made.proved)} of them are proved: the first below.",
        )
        return self.link("proofs")

    def _ask(self, request: HttpRequest, form: ProofForm, status: int = 200) -> HttpResponse:
        return self.page(request, "console/proofs/new.html", {"form": form}, status)


def _why_none(made: Existence) -> str:
    if made.found:
        return "The message is there, but no checkpoint covers it yet. Try again in a second."
    return (
        "The log knows of no such message. Retention may have deleted that it transited; then "
        "there is no proof any more."
    )


class ProofMessagesView(ConsoleView):
    """Find a message by the minute, its sender and its room."""

    requires = Permission.AUDIT_READ_TRAFFIC
    title = "Find a message"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The messages that the address asks for. The look at them is an event."""
        asked = request.GET.keys() - {PARAMETER}
        form = MinuteForm(request.GET if asked else None, initial=request.GET.dict())
        if not form.is_bound:
            form.of_any_minute()
        case = carried(request.GET)
        context: dict[str, Any] = {
            "form": form,
            "new": self.link("proof_new") + (f"{case}&" if case else "?"),
        }
        if form.is_valid():
            typed = form.cleaned_data
            minute = typed["at"].replace(second=0, microsecond=0)
            page = search_messages(
                minute=minute,
                sender=typed["sender"],
                room=typed["room"],
                reader=reader_of(self.seat),
                cursor=request.GET.get("cursor"),
            )
            form.offer("sender", page.senders)
            form.offer("room", page.rooms)
            context |= {
                "page": page,
                "found": [_message(line) for line in page.lines],
                "narrowed": bool(typed["sender"] or typed["room"]),
                "minute": minute,
                "before": (minute - MINUTE).astimezone(UTC).strftime(TO_THE_MINUTE),
                "after": (minute + MINUTE).astimezone(UTC).strftime(TO_THE_MINUTE),
            }
        return self.page(request, "console/proofs/messages.html", context)


def _message(line: Line) -> dict[str, Any]:
    people: dict[str, Named | None] = {role: named(line.who, role) for role in ("actor", "room")}
    what = line.what or {"data": {}, "time": None}
    at = what["time"] and datetime.fromisoformat(what["time"])
    return {"row": line.row, "data": what["data"], "at": at, **people}
