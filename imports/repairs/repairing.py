"""Rejected rows imported after all, by the sure remedy of a cause.

They go through the one door as a file of their own, with the options of the import that refused
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from django.db.models import Count, QuerySet

from accounts.models import User
from catalog.rules import CAUSES, shown
from core.leases import Heartbeat, Lease
from imports.models import ImportJob, RejectedRow
from imports.parsing.decoding import Unreadable
from imports.records import Writing
from imports.repairs.files import (
    RepairFile,
    RepairRefused,
    cells_of,
    check_completed,
    faults_left,
    hand_in,
    hand_in_later,
    keep_upload,
    overtaken,
)
from imports.repairs.remedies import Evidence, Remedy, remedy_for
from imports.repairs.returning import still_rejected
from imports.uploads import UploadRefused

PAGE_ROWS: Final = 2000
EXAMPLES: Final = 3
NOTHING: Final = "No row would be fixed by this."
#: As many rows are looked at in a request, half a second's work; more are the worker's.
LARGE: Final = 5000
#: Words that a person is asked about; the rest are asked about next.
WORDS_MAX: Final = 20


class Unrepaired(Unreadable):
    """An import of rejected rows has none of them; the text says why."""

    code = "repair_refused"

    def __init__(self, message: str) -> None:
        super().__init__(self.code, message)


@dataclass(frozen=True, slots=True)
class Example:
    """What a remedy does to one cell."""

    line: int
    old: str
    new: str


@dataclass(slots=True)
class Plan:
    """What a remedy would do: nothing is written.

    `rows` were looked at, of the `total` that have the cause; of these `fixed` would be imported,
    `unsure` have a cell that could mean more than one thing, `still` counts the others by the cause
    for which they stay rejected. `overtaken` of the fixed ones name a product that was changed
    since the rows were handed in.
    """

    remedy: Remedy
    rows: int = 0
    total: int = 0
    fixed: int = 0
    unsure: int = 0
    overtaken: int = 0
    still: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    @property
    def staying(self) -> int:
        """How many rows with the cause stay rejected."""
        return self.rows - self.fixed

    @property
    def is_whole(self) -> bool:
        """Whether all rows were looked at."""
        return self.rows == self.total

    @property
    def label(self) -> str:
        """What it does to the rows that it fixes, as far as that is known."""
        return self.remedy.label(self.fixed if self.is_whole else self.total)

    @property
    def others(self) -> list[tuple[str, str, int]]:
        """Causes for which rows stay rejected: code, title, rows."""
        return [(code, CAUSES.get(code, code), rows) for code, rows in self.still.most_common()]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many of a job's rejected rows another import took, or is about to."""

    job: ImportJob
    rows: int


def taken(job: ImportJob) -> list[Taken]:
    """The imports that took rejected rows of a job, the first one first."""
    done = (
        RejectedRow.objects.filter(job=job, repaired_by__isnull=False)
        .exclude(pk__in=still_rejected(job).values("pk"))
        .values_list("repaired_by")
        .annotate(rows=Count("pk"))
        .order_by("repaired_by")
    )
    counts = dict(done)
    jobs = ImportJob.objects.in_bulk(counts)
    return [Taken(jobs[pk], rows) for pk, rows in counts.items()]


def remedy_of(job: ImportJob, code: str) -> Remedy | None:
    """The sure remedy for a cause of a job's rejected rows, if there is one."""
    return remedy_for(code, Writing.of(job.detected).codec)


def unknown_words(job: ImportJob) -> list[tuple[str, int]]:
    """Words in Active that are neither yes nor no, with the number of their rows, most first."""
    rows = _having(job, "active_unknown")
    words: Counter[str] = Counter()
    for problems in rows.values_list("problems", flat=True).iterator(PAGE_ROWS):
        words.update(
            problem["value"].strip().lower()
            for problem in problems
            if problem["code"] == "active_unknown"
        )
    return sorted(words.items(), key=lambda each: (-each[1], each[0]))[:WORDS_MAX]


def plan(
    job: ImportJob,
    *,
    code: str,
    also: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
) -> Plan:
    """Find out what the remedy of a cause would do to the rows that have it.

    `also` are causes whose remedies are used on the same rows; `words` says "yes" or "no" for words
    in Active. No more than the first LARGE rows are looked at.

    Raises:
        RepairRefused: the import is not completed, or there is no sure remedy for the cause.
    """
    with RepairFile(job) as mended:
        found, _ = _planned(job, mended, [code, *also], words or {}, most=LARGE)
    return found


def repair(
    job: ImportJob,
    *,
    code: str,
    user: User,
    also: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
) -> ImportJob:
    """Import the rows that a remedy fixes, as `plan` counts them; return their import.

    Of more than LARGE rows it is made at once, and its worker looks at them.

    Raises:
        RepairRefused: as `plan`; or no row is fixed, or somebody else repairs one of them now.
        UploadRefused: too often, or there is no room.
    """
    with RepairFile(job) as mended:
        found, skus = _planned(job, mended, [code, *also], words or {}, most=LARGE)
        if not found.is_whole:
            remedy = {"codes": [code, *also], "words": dict(words or {})}
            return hand_in_later(job, mended, remedy=remedy, user=user)
        if not found.fixed:
            raise RepairRefused(NOTHING)
        return hand_in(job, mended, skus, user=user)


def write_upload(lease: Lease[ImportJob], beat: Heartbeat[ImportJob]) -> None:
    """Write the file of an import that a remedy makes, if it has none yet.

    Raises:
        Unrepaired: no row is fixed, somebody else repairs one of them, or there is no room.
        Cancelled, LeaseLost: of the import.
    """
    remedy, job = lease.row.remedy, lease.row.repairs
    if not remedy or lease.row.upload:
        return
    if job is None:
        raise Unrepaired("The import whose rows these are is not kept any more.")
    try:
        with RepairFile(job) as mended:
            found, skus = _planned(
                job, mended, remedy["codes"], remedy["words"], most=None, look=beat.check
            )
            if not found.fixed:
                raise RepairRefused(NOTHING)
            keep_upload(lease, job, mended, skus)
    except (RepairRefused, UploadRefused) as refused:
        raise Unrepaired(str(refused)) from refused


def _planned(
    job: ImportJob,
    mended: RepairFile,
    codes: Sequence[str],
    words: Mapping[str, str],
    *,
    most: int | None,
    look: Callable[[], None] = lambda: None,
) -> tuple[Plan, list[str]]:
    """Put the rows that the remedies of the causes fix into a file; say what they are.

    `most` is how many rows are looked at; `look` is called for each and may raise.
    """
    check_completed(job)
    writing = Writing.of(job.detected)
    remedies = [_sure(code, writing) for code in dict.fromkeys(codes)]
    evidence = Evidence(decimal=writing.decimal, words=words)
    found = Plan(remedies[0])
    examples: dict[int, Example] = {}
    for row in islice(_rows_with(job, codes[0]), most):
        look()
        found.rows += 1
        cells = cells_of(row, writing)
        changed = _mended(row, cells, remedies, evidence, writing) if cells else None
        if not cells or changed is None:
            found.unsure += 1
            continue
        left = faults_left(row, cells, changed, writing, used=codes)
        if left:
            found.still.update({problem["code"] for problem in left})
            continue
        mended.add(row, changed)
        if len(examples) < 20 * EXAMPLES:
            pairs = zip(cells, changed, strict=True)
            old, new = next(((old, new) for old, new in pairs if old != new), ("", ""))
            examples[row.pk] = Example(row.line, shown(old), shown(new))
    found.total = found.rows
    if found.rows == most:
        found.total = _having(job, codes[0]).count()
    fixed, skus = set(), []
    try:
        for checked in mended.check():
            look()
            if checked.problems:
                found.still.update({problem.code for problem in checked.problems})
                continue
            fixed.add(checked.row)
            skus.append(checked.sku)
    except Unreadable as refused:
        raise RepairRefused(str(refused)) from refused
    mended.keep(fixed)
    found.fixed = len(fixed)
    found.overtaken = overtaken(job, skus)
    seen: dict[tuple[str, str], Example] = {}
    for pk, example in examples.items():
        if pk in fixed:
            seen.setdefault((example.old, example.new), example)
    found.examples = list(seen.values())[:EXAMPLES]
    return found, skus


def _mended(
    row: RejectedRow,
    cells: Sequence[str],
    remedies: Sequence[Remedy],
    evidence: Evidence,
    writing: Writing,
) -> list[str] | None:
    """A row's cells with the remedies used; None when the first of them is not sure."""
    codes = {problem["code"] for problem in row.problems}
    mended = list(cells)
    for remedy in remedies:
        if remedy.code not in codes:
            continue
        indexes = [writing.index_of(remedy.field)] if remedy.field else range(len(cells))
        for index in indexes:
            if index is None:
                return None
            text = remedy.mend(mended[index], evidence) if mended[index] else ""
            if text is None:
                if remedy is remedies[0]:
                    return None
                continue
            mended[index] = text
    return mended


def _rows_with(job: ImportJob, code: str) -> Iterator[RejectedRow]:
    rows = _having(job, code).order_by("line")
    last = 0
    while page := list(rows.filter(line__gt=last)[:PAGE_ROWS]):
        yield from page
        last = page[-1].line


def _having(job: ImportJob, code: str) -> QuerySet[RejectedRow]:
    return still_rejected(job).filter(problems__contains=[{"code": code}])


def _sure(code: str, writing: Writing) -> Remedy:
    remedy = remedy_for(code, writing.codec)
    if remedy is None:
        raise RepairRefused(f"There is no sure remedy for “{CAUSES.get(code, code)}”.")
    return remedy
