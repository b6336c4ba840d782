"""Inviting from a CSV file: what it holds, row by row, before anything is issued."""

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm

from invitations.errors import CsvUnreadable, PreviewExpired
from invitations.forms.issuing import MemberForm
from invitations.models import Invitation
from invitations.models.invitations import OPEN
from invitations.selectors.people import open_periods
from invitations.services.progress import UNDECIDED
from invitations.services.terms import Draft, check_terms, limits_for
from semafore.kernel import clock
from semafore.kernel.problems import Problem

COLUMNS = ("name", "phone", "email", "role", "unit")
REQUIRED = {"name", "phone"}

MAX_BYTES = 1024 * 1024
MAX_ROWS = 1000
PREVIEW_VALID = timedelta(hours=1)
FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file, with what is wrong with it; without problems there is a draft."""

    number: int
    name: str
    phone: str
    problems: tuple[str, ...]
    draft: Draft | None


def read_csv(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """Rows by the number of their line, as column: cell. Raises CsvUnreadable.

    Reads UTF-8 with or without byte order mark; commas, or the semicolons and tabs that
    spreadsheets write in some countries.
    """
    if len(data) > MAX_BYTES:
        raise CsvUnreadable(detail="The file is larger than 1 MiB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsvUnreadable(detail="The file is not in UTF-8: save it as “CSV UTF-8”.") from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [cell.strip().lower().replace(" ", "_") for cell in next(reader, [])]
        _check_columns(columns)
        rows: list[tuple[int, dict[str, str]]] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(columns):
                raise CsvUnreadable(
                    detail=f"Line {reader.line_num} has more cells than the header has columns."
                )
            if len(rows) == MAX_ROWS:
                raise CsvUnreadable(detail=f"The file has more than {MAX_ROWS} rows.")
            texts = dict(zip(columns, map(_text, cells), strict=False))
            rows.append((reader.line_num, texts))
    except csv.Error as error:
        raise CsvUnreadable(detail=f"Line {reader.line_num} is not valid CSV: {error}.") from None
    if not rows:
        raise CsvUnreadable(detail="The file has no row below its header.")
    return rows


def _check_columns(columns: Sequence[str]) -> None:
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise CsvUnreadable(
            detail=f"There is no column “{unknown[0][:40]}”; the columns are {', '.join(COLUMNS)}."
        )
    if len(set(columns)) < len(columns):
        raise CsvUnreadable(detail="A column stands twice in the header.")
    missing = sorted(REQUIRED - set(columns))
    if missing:
        raise CsvUnreadable(detail=f"The first line has to name the column {missing[0]}.")


def _text(cell: str) -> str:
    """The cell; without the apostrophe that keeps a spreadsheet from computing it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def preview(data: bytes, *, channel: str, valid_days: int, every_role: bool) -> list[Row]:
    """Every row with its problems, from the file alone and from who is a member or invited.

    Raises CsvUnreadable.
    """
    common = {"channel": channel, "valid_days": valid_days}
    found: list[tuple[int, dict[str, str], MemberForm, Draft | None]] = []
    for number, cells in read_csv(data):
        typed = {**cells, "role": cells.get("role", "").lower() or "member", **common}
        form = MemberForm(typed, every_role=every_role)
        found.append((number, cells, form, form.draft() if form.is_valid() else None))
    drafts = [draft for *_, draft in found if draft is not None]
    limits, taken = limits_for(drafts), _taken(drafts)
    rows = []
    for number, cells, form, draft in found:
        problems = _form_problems(form)
        if draft is not None:
            if draft.phone in taken:
                problems.append(taken[draft.phone])
            taken.setdefault(draft.phone, f"The same phone number as in line {number}.")
            try:
                draft = check_terms(draft, limits)  # noqa: PLW2901 - in its one spelling
            except Problem as problem:
                problems.append(problem.detail)
        name, phone = cells.get("name", ""), cells.get("phone", "")
        rows.append(Row(number, name, phone, tuple(problems), None if problems else draft))
    return rows


def _form_problems(form: BaseForm) -> list[str]:
    return [
        f"{form.fields[field].label}: {error}" if field in form.fields else error
        for field, errors in form.errors.items()
        for error in map(str, errors)
    ]


def _taken(drafts: Sequence[Draft]) -> dict[str, str]:
    """Phones that have a membership or an open invitation here, with the words to say it."""
    phones = {draft.phone for draft in drafts}
    taken = {
        period.phone: "This person is a member already."
        for period in open_periods(phones=phones, emails=())
    }
    for invitation in Invitation.objects.filter(phone__in=phones, state__in=OPEN):
        if invitation.state not in UNDECIDED or invitation.expires_at > clock.now():
            taken.setdefault(invitation.phone, "This person has an open invitation already.")
    return taken


def sign_preview(rows: Sequence[Row], *, by: UUID) -> str:
    """The drafts of the rows without problems, to be confirmed by the same person."""
    drafts = [dataclasses.asdict(row.draft) for row in rows if row.draft is not None]
    return signing.dumps(drafts, salt=_salt(by), serializer=_Serializer, compress=True)


def confirmed_drafts(preview: str, *, by: UUID) -> list[Draft]:
    """The drafts of a preview. Raises PreviewExpired."""
    try:
        drafts = signing.loads(
            preview, salt=_salt(by), serializer=_Serializer, max_age=PREVIEW_VALID
        )
    except signing.BadSignature:
        raise PreviewExpired from None
    return [_draft(values) for values in drafts]


def _salt(membership_id: UUID) -> str:
    return f"invitations.bulk:{membership_id}"


class _Serializer(signing.JSONSerializer):
    def dumps(self, obj: Any) -> bytes:
        return DjangoJSONEncoder(separators=(",", ":")).encode(obj).encode()


def _draft(values: dict[str, Any]) -> Draft:
    return Draft(**{**values, "id": UUID(values["id"])})
