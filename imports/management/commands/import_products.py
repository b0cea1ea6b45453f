"""Import a CSV file: the same pipeline as the page's, in this process."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize
from tqdm import tqdm

from core.leases import claim_next
from imports.cleaning import reap_imports
from imports.forms import DECIMALS, DELIMITERS, ENCODINGS
from imports.models import ImportJob
from imports.options import Options
from imports.pipeline import Figures, run_import
from imports.preview import Preview, preview_file
from imports.reading import Unreadable
from imports.report import causes
from imports.reviews.risks import in_words
from imports.uploads import UploadRefused, accept_upload

COPY_BYTES = 1024**2
DELIMITER_NAMES = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    r"\t": "\t",
    "pipe": "|",
    "colon": ":",
    "blank": " ",
}
CHOICES = (
    ("mode", ImportJob.Mode, "create and update (both), only create, only update"),
    ("missing", ImportJob.Missing, "what becomes of products that the file does not have"),
    ("empty", ImportJob.Empty, "what an empty cell does to an existing product's value"),
    ("review", ImportJob.Review, "when the import waits for a person to look at its changes"),
)
#: Told when there are any.
MORE_COUNTS = ("skipped", "deactivated", "deleted")
WAIT_SECONDS = 0.5
LINE_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Import products from a CSV file, or from standard input (-). Exit status: 0 completed "
        "(rejected rows are listed), 1 the import failed, 2 wrong usage, 3 it waits for somebody "
        "to look at its changes on its page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file; - reads standard input")
        parser.add_argument(
            "--dry-run", action="store_true", help="tell what would happen; write nothing"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--user", help="the user in whose name products change")
        parser.add_argument(
            "--delimiter",
            type=_delimiter,
            help="comma, semicolon, tab, pipe, colon, blank or the character itself",
        )
        parser.add_argument(
            "--encoding", choices=[name for name, _ in ENCODINGS if name], default=""
        )
        parser.add_argument(
            "--decimal", choices=[name for name, _ in DECIMALS if name], help="the decimal mark"
        )
        for name, choices, does in CHOICES:
            parser.add_argument(f"--{name}", choices=choices.values, help=does)
        parser.add_argument(
            "--agree-missing",
            type=int,
            metavar="N",
            help="that N products may be deactivated or deleted, though they are many",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["user"])
        chosen = Options.usual(
            missing_agreed=options["agree_missing"],
            **{name: options[name] for name in ("encoding", "delimiter", "decimal")},
            **{name: options[name] for name, *_ in CHOICES},
        )
        with self._opened(options["file"]) as (content, name):
            if options["dry_run"]:
                self._dry_run(content, chosen, as_json=options["json"])
                return
            try:
                job = accept_upload(content, file_name=name, user=user, options=chosen, wake=False)
            except UploadRefused as refused:
                raise CommandError(str(refused)) from refused
        with _quiet_log(), self._progress(quiet=options["json"]) as watch:
            job = _run_until_ended(job, watch, self.stderr.write)
        self._report(job, as_json=options["json"])
        if job.state == ImportJob.State.REVIEW:
            risks = "".join(f" {in_words(each)}" for each in _risks(job))
            raise CommandError(
                f"Import #{job.pk} waits for somebody to look at it: /imports/{job.pk}/.{risks}",
                returncode=3,
            )
        if job.state != ImportJob.State.COMPLETED:
            raise CommandError(job.error_message or "The import was cancelled.", returncode=1)

    def _user(self, name: str | None) -> Any:
        if name is None:
            return None
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.", returncode=2)
        return user

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[File[bytes], str]]:
        if name == "-":
            with tempfile.TemporaryFile() as spool:
                while chunk := sys.stdin.buffer.read(COPY_BYTES):
                    spool.write(chunk)
                spool.seek(0)
                yield File(spool), "standard-input.csv"
            return
        path = Path(name)
        try:
            file: IO[bytes] = path.open("rb")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}.", returncode=2) from error
        with file:
            yield File(file), path.name

    def _dry_run(self, content: File[bytes], options: Options, *, as_json: bool) -> None:
        try:
            found = preview_file(content, options)
        except Unreadable as refused:
            raise CommandError(refused.message, returncode=1) from refused
        if as_json:
            self.stdout.write(json.dumps({"state": "dry-run", **found.as_dict()}))
            return
        self.stdout.write("Nothing was written. The import would do this:")
        self._write_counts(found.as_dict())
        self._write_examples(found)

    @contextmanager
    def _progress(self, *, quiet: bool) -> Iterator[Figures | None]:
        if quiet:
            yield None
        elif sys.stderr.isatty():
            with tqdm(total=100, unit="%", bar_format="{desc} {percentage:3.0f} % |{bar}|") as bar:
                yield lambda figures: _move(bar, figures)
        else:
            yield _lines(self.stderr.write)

    def _report(self, job: ImportJob, *, as_json: bool) -> None:
        result = {
            "state": job.state,
            "read": job.read,
            "created": job.created,
            "updated": job.updated,
            "unchanged": job.unchanged,
            "duplicates": job.duplicates,
            "rejected": job.rejected,
            **{name: getattr(job, name) for name in MORE_COUNTS},
            "risks": _risks(job),
            "seconds": round(job.seconds or 0.0, 3),
            "phases": job.phases,
            "job": job.pk,
            "change_set": job.change_set_id,
        }
        if as_json:
            self.stdout.write(json.dumps(result))
            return
        if job.state != ImportJob.State.COMPLETED:
            return
        self._write_counts(result)
        phases = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in job.phases.items())
        seconds = job.seconds or 0.0
        rate = f", {job.read / seconds:,.0f} rows/s" if seconds else ""
        self.stdout.write(f"import #{job.pk} took {seconds:.2f} s ({phases}){rate}")
        for cause in causes(job) if job.rejected else []:
            self.stdout.write(
                f"  {cause.count:,} row{pluralize(cause.count)}: {cause.title},"
                f" for instance line {cause.example_line:,}"
            )

    def _write_counts(self, counts: dict[str, Any]) -> None:
        for name in ("read", "created", "updated", "unchanged", "duplicates", "rejected"):
            self.stdout.write(f"{name:>12} {counts[name]:>12,}")
        for name in ("missing", *MORE_COUNTS):
            if counts.get(name):
                self.stdout.write(f"{name:>12} {counts[name]:>12,}")

    def _write_examples(self, found: Preview) -> None:
        for example in found.examples:
            for problem in example["problems"]:
                self.stdout.write(f"  line {example['line']:,}: {problem['message']}")


@contextmanager
def _quiet_log() -> Iterator[None]:
    """The command says all that the log of an import would, on the same terminal."""
    log = logging.getLogger("imports")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _delimiter(name: str) -> str:
    delimiter = DELIMITER_NAMES.get(name, name)
    offered = {value for value, _ in DELIMITERS if value}
    if delimiter not in offered:
        marks = " ".join(sorted(each for each in offered if not each.isalnum() and each > " "))
        names = ", ".join(each for each in DELIMITER_NAMES if each.isalpha())
        raise argparse.ArgumentTypeError(f"{name!r} is none of {names}, {marks}")
    return delimiter


def _run_until_ended(job: ImportJob, watch: Figures | None, say: Any) -> ImportJob:
    """Run what waits, in order, until this job has ended; a worker that is faster may take it."""
    while not job.is_finished and job.state != ImportJob.State.REVIEW:
        lease = claim_next(ImportJob, ImportJob.State.READING)
        if lease is None:
            time.sleep(WAIT_SECONDS)
        else:
            own = lease.row.pk == job.pk
            if not own:
                say(f"import #{lease.row.pk} was accepted earlier and runs first")
            if not run_import(lease, watch=watch if own else None):
                reap_imports()
        job.refresh_from_db()
    return job


def _risks(job: ImportJob) -> list[dict[str, Any]]:
    waits = job.state == ImportJob.State.REVIEW
    return list(job.reviewed["risks"]) if waits else []


def _move(bar: Any, figures: dict[str, Any]) -> None:
    bar.set_description_str(figures.get("phase", ""))
    bar.n = figures.get("percent", 0)
    bar.refresh()


def _lines(say: Any) -> Figures:
    said = [0.0]

    def watch(figures: dict[str, Any]) -> None:
        if time.monotonic() - said[0] >= LINE_SECONDS:
            said[0] = time.monotonic()
            done, percent = figures.get("done", 0), figures.get("percent", 0)
            say(f"{figures.get('phase', '')}: {done:,} rows, {percent} %")

    return watch
