"""What a person may change about how a file was read, as a form of chips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from django import forms
from django.http import QueryDict

from catalog.rules import FIELDS
from imports.forms import DECIMALS, DELIMITERS, ENCODINGS
from imports.mapping import header_digest
from imports.models import ImportJob, Mapping
from imports.options import Options
from imports.read_again import ReadAgainRefused, columns_of, settled
from imports.remembered import apply, is_whole, named

#: Header rows that are offered at least; some more if it was found further down.
HEADER_LINES: Final = 30
FIELD_CHOICES: Final = (
    *((field, "SKU" if field == "sku" else field.capitalize()) for field in FIELDS),
    ("", "not imported"),
)


class ReadAgainForm(forms.Form):
    """Encoding, delimiter, header row, decimal mark, and a field for each column of a job's file.

    What nobody asked for stands as "", labelled with what was found. Once it is checked,
    `corrects_columns` says whether somebody gave a column another field, `corrects_decimal` whether
    the same columns got another decimal mark.
    """

    corrects_columns = False
    corrects_decimal = False

    encoding = forms.ChoiceField(label="Encoding", required=False)
    delimiter = forms.ChoiceField(label="Delimiter", required=False)
    header_line = forms.TypedChoiceField(
        label="Header row", required=False, coerce=int, empty_value=None
    )
    decimal = forms.ChoiceField(label="Decimal mark", required=False)
    #: The header whose columns the form has.
    header = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, job: ImportJob, data: QueryDict | None = None) -> None:
        self.job = job
        self.known = columns_of(job)
        self.digest = header_digest([column["header"] for column in self.known])
        initial = Options.of(job).as_json() | {"header": self.digest}
        super().__init__(data, auto_id="read-%s", initial=initial)
        found = job.detected
        choices = {
            "encoding": _choices(
                ENCODINGS,
                found.get("encoding", "").removesuffix("-sig"),
                job.encoding,
                mark=" with BOM" if found.get("bom") else "",
            ),
            "delimiter": _choices(DELIMITERS, found.get("delimiter", ""), job.delimiter),
            "decimal": _choices(DECIMALS, found.get("decimal", ""), job.decimal),
            "header_line": _header_lines(found.get("header_line"), job.header_line),
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]
        if found.get("compression") == "xlsx":
            # A workbook has neither; what somebody asked for by mistake can be taken back.
            for name in ("encoding", "delimiter"):
                self.fields[name].disabled = not initial[name]
        for index, column in enumerate(self.known):
            self.fields[f"column-{index}"] = forms.ChoiceField(
                label=column["header"] or f"Column {index + 1}",
                choices=FIELD_CHOICES,
                required=False,
                initial=column["field"],
            )

    def formats(self) -> Iterator[forms.BoundField]:
        """The chips above the columns."""
        names = ("encoding", "delimiter", "header_line", "decimal")
        return (self[name] for name in names if not self.fields[name].disabled)

    def said(self) -> Iterator[tuple[str, str]]:
        """The same as words, for who can't change them: label and choice."""
        for chip in self.formats():
            chosen = "" if chip.value() is None else str(chip.value())
            labels = dict(self.fields[chip.name].choices)  # type: ignore[attr-defined]
            yield str(chip.label), str(labels.get(chosen, chosen))

    def columns(self) -> Iterator[tuple[forms.BoundField, dict[str, Any]]]:
        """The chip of each column, and what is known of it."""
        return ((self[f"column-{index}"], each) for index, each in enumerate(self.known))

    def clean(self) -> dict[str, Any]:
        """See to it that the columns make an import; asked for so, or moved with their fields."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        before = [column["field"] for column in self.known]
        chosen = [
            cleaned.get(f"column-{index}", field) if f"column-{index}" in self.data else field
            for index, field in enumerate(before)
        ]
        self.corrects_columns = chosen != before
        if self.corrects_columns:
            if cleaned.get("header") != self.digest:
                raise forms.ValidationError(
                    "The file was read in another way meanwhile. Look at its columns again."
                )
            try:
                cleaned["columns"] = settled(before, chosen)
            except ReadAgainRefused as refused:
                raise forms.ValidationError(str(refused)) from refused
        else:
            cut = [cleaned.get("delimiter") or "", cleaned.get("header_line")]
            # Cut in another way, the file has other columns.
            same = cut == [self.job.delimiter, self.job.header_line]
            self.corrects_decimal = same and (cleaned.get("decimal") or "") != self.job.decimal
            cleaned["columns"] = tuple(self.job.columns) if same else ()
        return cleaned

    def options(self) -> Options:
        """The job's options with what was chosen here."""
        chosen = self.cleaned_data
        names = ("encoding", "delimiter", "header_line", "decimal", "columns")
        return replace(Options.of(self.job), **{name: chosen[name] for name in names})


def reading_context(job: ImportJob) -> dict[str, Any]:
    """What the card "How the file was read" is made of."""
    known = columns_of(job)
    fields = [column["field"] for column in known]
    chosen = job.mapping
    return {
        "reading": ReadAgainForm(job),
        "can_read_again": bool(job.upload) and job.state != ImportJob.State.RECEIVING,
        # A change waits for others where columns are still to be said, or a new import would begin.
        "reads_at_once": job.state != ImportJob.State.COMPLETED and (not known or is_whole(fields)),
        "can_keep_mapping": is_whole(fields) and any(column["header"] for column in known),
        "delimiter_asked": dict(DELIMITERS).get(job.delimiter, job.delimiter),
        "mappings": list(named().values_list("name", flat=True)),
        "mapping_unfit": chosen is not None
        and bool(known and not job.columns)
        and apply(chosen, [column["header"] for column in known]) is None,
    }


class MappingNameForm(forms.Form):
    """The name that a mapping is kept under."""

    name = forms.CharField(max_length=100, error_messages={"required": "Give the mapping a name."})


class MappingChoiceForm(forms.Form):
    """A named mapping."""

    mapping = forms.ModelChoiceField(
        Mapping.objects.exclude(name=""),
        to_field_name="name",
        error_messages={"required": "Choose a mapping.", "invalid_choice": "It is gone by now."},
    )


def _choices(known: Any, found: str, asked: str, *, mark: str = "") -> list[tuple[str, str]]:
    """The choices of a chip: what was found stands for "find out", unless that is asked for."""
    names = dict(known)
    rest = [(value, label) for value, label in known if value]
    if asked and asked not in names:
        rest.append((asked, asked))
    if asked or not found:
        return [("", names[""]), *rest]
    others = [(value, label) for value, label in rest if value != found]
    return [("", f"{names.get(found, found)}{mark}"), *others]


def _header_lines(found: int | None, asked: int | None) -> list[tuple[str, str]]:
    last = max(HEADER_LINES, (found or 0) + 2, asked or 0)
    lines = [("0", "none"), *((str(line), f"line {line:,}") for line in range(1, last + 1))]
    if asked is not None or found is None:
        return [("", "Find out"), *lines]
    return [("", dict(lines)[str(found)]), *(each for each in lines if each[0] != str(found))]
