"""Rejected rows imported after all, with cells that a person wrote."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import User
from imports.models import ImportJob
from imports.parsing.decoding import Unreadable
from imports.records import Writing
from imports.repairs.files import (
    RepairFile,
    RepairRefused,
    cells_of,
    check_completed,
    faults_left,
    hand_in,
)
from imports.repairs.returning import still_rejected

#: A row, and the index of its cell; None is the row as a whole.
Place = tuple[int, int | None]


class CellsWrong(RepairRefused):
    """Cells are still not right: `problems` says of each what is wrong. Nothing was imported."""

    def __init__(self, problems: dict[Place, str]) -> None:
        rows = len({row for row, _ in problems})
        super().__init__(
            f"{rows:,} row{' is' if rows == 1 else 's are'} not right yet. Nothing was imported."
        )
        self.problems = problems


def correct(job: ImportJob, *, cells: Mapping[tuple[int, int], str], user: User) -> ImportJob:
    """Import rows with cells that a person wrote: {(id of the row, index of the cell): text}.

    Raises:
        CellsWrong: a row would still be rejected; nothing was imported.
        RepairRefused: the import is not completed, or a row is taken or can't be cut into cells.
        UploadRefused: too often, or there is no room.
    """
    check_completed(job)
    writing = Writing.of(job.detected)
    rows = still_rejected(job).in_bulk({row for row, _ in cells})
    problems: dict[Place, str] = {}

    def note(row: int, column: str, message: str) -> None:
        said = problems.setdefault((row, writing.index_of(column)), message)
        if message not in said:
            problems[row, writing.index_of(column)] = f"{said} {message}"

    with RepairFile(job) as mended:
        for pk in sorted(
            {row for row, _ in cells}, key=lambda pk: rows[pk].line if pk in rows else 0
        ):
            row = rows.get(pk)
            texts = cells_of(row, writing) if row else None
            if row is None or texts is None:
                raise RepairRefused(
                    "A row is taken by another import already, or can only be fixed in the CSV."
                )
            for (of, index), text in cells.items():
                if of == pk:
                    if not 0 <= index < len(texts):
                        raise RepairRefused(f"Line {row.line:,} has no such column.")
                    texts[index] = text
            for problem in faults_left(row, cells_of(row, writing) or [], texts, writing):
                note(row.pk, problem["column"], problem["message"])
            mended.add(row, texts)
        if not mended.rows:
            raise RepairRefused("No cell was changed.")
        skus = []
        try:
            for checked in mended.check():
                skus.append(checked.sku)
                for found in checked.problems:
                    note(checked.row, found.column, found.message)
        except Unreadable as refused:
            raise RepairRefused(str(refused)) from refused
        if problems:
            raise CellsWrong(problems)
        return hand_in(job, mended, skus, user=user)
