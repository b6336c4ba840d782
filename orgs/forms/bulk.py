"""The list of people to suspend or to end."""

import csv
import io
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from orgs.services.bulk import BulkAct, Column, Line

LARGEST = 1024 * 1024
MOST_ROWS = 1000


class BulkForm(forms.Form):
    """What to do, to whom; `cleaned_data` has `column` and `lines`."""

    act = forms.ChoiceField(
        label="What is to be done",
        choices=((BulkAct.SUSPEND, "Suspend"), (BulkAct.END, "End their memberships")),
        widget=forms.RadioSelect,
    )
    file = forms.FileField(
        label="List (CSV)",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=f"UTF-8, at most {MOST_ROWS} lines and 1 MiB. The first line names the columns; "
        "one of them is membership_id, phone or email.",
    )

    def clean_file(self) -> UploadedFile:
        """The size is looked at before anything is read."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST:
            raise forms.ValidationError("The file is larger than 1 MiB.")
        return file

    def clean(self) -> dict[str, Any]:
        """Read the list. Nothing of it is kept but the one column and the numbers of the lines."""
        data = super().clean() or {}
        if "file" in data:
            try:
                data["column"], data["lines"] = _read(data["file"].read())
            except forms.ValidationError as error:
                self.add_error("file", error)
        return data


def _read(content: bytes) -> tuple[Column, list[Line]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise forms.ValidationError("The file is not UTF-8. Save it as CSV in UTF-8.") from None
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        column, place = _column([name.strip().lower() for name in next(reader, [])])
        lines = []
        for cells in reader:
            given = cells[place].strip() if place < len(cells) else ""
            if given or any(cells):
                lines.append(Line(reader.line_num, given))
            if len(lines) > MOST_ROWS:
                raise forms.ValidationError(f"The list has more than {MOST_ROWS} lines.")
    except csv.Error as error:
        raise forms.ValidationError(f"Line {reader.line_num} can't be read: {error}.") from None
    if not lines:
        raise forms.ValidationError("The list names nobody.")
    return column, lines


def _column(names: list[str]) -> tuple[Column, int]:
    for column in Column:
        if column in names:
            return column, names.index(column)
    raise forms.ValidationError(
        "No column is called membership_id, phone or email. The first line names the columns."
    )
