"""The rejected rows of an import as its page shows them: by cause, faulty cells to be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.paginator import Paginator

from catalog.rules import CAUSES
from imports import report
from imports.models import ImportJob, RejectedRow
from imports.records import Writing
from imports.repairs.correcting import Place
from imports.repairs.files import cells_of
from imports.repairs.remedies import Evidence, Remedy
from imports.repairs.repairing import remedy_of, taken
from imports.repairs.returning import taker_of

PAGE_ROWS: Final = 50
#: A longer cell is better written where it came from.
CELL_MAX: Final = 2000

_UNFIT = re.compile("[\0\ud800-\udfff]")
_CELL = re.compile(r"cell-([0-9]{1,18})-([0-9]{1,4})")


@dataclass(slots=True)
class Fault:
    """One problem of a row. `name` is that of the cell's input, "" where it can't be written.

    `mended` is what the remedy of the chosen cause makes of the cell, `error` what is wrong with
    the text that was written.
    """

    column: str
    value: str
    message: str
    name: str = ""
    text: str = ""
    mended: str = ""
    error: str = ""

    @property
    def lines(self) -> int:
        """How many lines the text has; an input has but one."""
        return self.text.count("\n") + 1


@dataclass(slots=True)
class Row:
    """A rejected row. `taker` is the import that took it; `error` is about the row as a whole."""

    line: int
    sku: str
    taker: ImportJob | None
    error: str = ""
    faults: list[Fault] = field(default_factory=list)


def rejected_context(
    job: ImportJob,
    asked: Mapping[str, str],
    *,
    entered: Mapping[tuple[int, int], str] | None = None,
    problems: Mapping[Place, str] | None = None,
) -> dict[str, Any]:
    """What the page shows of a job's rejected rows; with what somebody `entered`, and is wrong."""
    cause = asked.get("cause", "") if asked.get("cause") in CAUSES else ""
    rows = report.rejected_rows(job, cause=cause).defer(None)
    page = Paginator(rows, PAGE_ROWS).get_page(asked.get("page"))
    remedy = remedy_of(job, cause) if cause else None
    takers = taken(job) if job.rejected else []
    shown = [
        _row(row, Writing.of(job.detected), remedy, entered or {}, problems or {})
        for row in page.object_list
    ]
    return {
        "causes": report.causes(job) if job.rejected else [],
        "cause": cause,
        "rejected": page,
        "rejected_rows": shown,
        "writable": any(fault.name for row in shown for fault in row.faults),
        "mends": remedy is not None and not remedy.chooses,
        "takers": takers,
        "fates": _fates(job),
        "left": job.rejected - sum(each.rows for each in takers),
    }


def _fates(job: ImportJob) -> list[tuple[int, str]]:
    """What became of the rows that were not rejected: how many, in words; empty before the end."""
    if job.state != ImportJob.State.COMPLETED:
        return []
    only = "new" if job.mode == ImportJob.Mode.CREATE else "known"
    fates = (
        (job.created + job.updated + job.unchanged, "taken"),
        (job.duplicates, "replaced by a later row of the same SKU"),
        (job.skipped, f"passed over, since only {only} products were asked for"),
        (job.left_out, "left out in the review"),
        (job.conflicts, "left as changed since the review"),
    )
    return [(count, words) for count, words in fates if count]


def entered_cells(
    job: ImportJob, posted: Mapping[str, str]
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]:
    """All cells of a form that was sent, {(id of the row, index): text}, and those that changed."""
    cells = {
        (int(found[1]), int(found[2])): _one_line_end(text)
        for name, text in posted.items()
        if (found := _CELL.fullmatch(name))
    }
    writing = Writing.of(job.detected)
    rows = RejectedRow.objects.filter(job=job).in_bulk({row for row, _ in cells})
    texts = {pk: cells_of(row, writing) or [] for pk, row in rows.items()}
    changed = {
        (row, index): text
        for (row, index), text in cells.items()
        if not (index < len(texts.get(row, ())) and text == _writable(texts[row][index]))
    }
    return cells, changed


def _row(
    row: RejectedRow,
    writing: Writing,
    remedy: Remedy | None,
    entered: Mapping[tuple[int, int], str],
    problems: Mapping[Place, str],
) -> Row:
    taker = taker_of(row)
    cells = cells_of(row, writing) if taker is None else None
    shown = Row(row.line, row.sku, taker, problems.get((row.pk, None), ""))
    seen = set()
    for problem in row.problems:
        fault = Fault(problem["column"], problem["value"], problem["message"])
        shown.faults.append(fault)
        index = writing.index_of(problem["column"])
        if cells is None or index is None or index in seen or len(cells[index]) > CELL_MAX:
            continue
        seen.add(index)
        fault.name = f"cell-{row.pk}-{index}"
        fault.text = entered.get((row.pk, index), _writable(cells[index]))
        fault.error = problems.get((row.pk, index), "")
        if remedy is not None and problem["code"] == remedy.code:
            evidence = Evidence(decimal=writing.decimal)
            fault.mended = _UNFIT.sub("\ufffd", remedy.mend(cells[index], evidence) or "")
    _add_unnamed(shown, row, cells or [], writing, problems, seen)
    return shown


def _add_unnamed(
    shown: Row,
    row: RejectedRow,
    cells: list[str],
    writing: Writing,
    problems: Mapping[Place, str],
    seen: set[int],
) -> None:
    """What is wrong with cells that had been fine before others of the row were written."""
    for (pk, index), message in problems.items():
        if pk == row.pk and index is not None and index not in seen and index < len(cells):
            column = writing.fields[index] or writing.header[index]
            fault = Fault(column, cells[index][:80], message, f"cell-{pk}-{index}")
            fault.text, fault.error = _writable(cells[index]), message
            shown.faults.append(fault)


def _writable(text: str) -> str:
    """A cell's text as a form can hold it."""
    return _one_line_end(_UNFIT.sub("\ufffd", text))


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
