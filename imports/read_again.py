"""A file read once more, with what a person said about it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import File

from catalog.rules import FIELDS, REQUIRED
from core.leases import request_cancel
from imports import remembered
from imports.mapping import NAME, SYNONYM, find_columns
from imports.models import ImportJob
from imports.options import Options
from imports.retrying import queue_anew
from imports.storage import PartCorrupt, uploads
from imports.uploads import accept_upload

#: States in which nobody works on the job and nothing of it is in the catalog.
AT_REST: Final = (
    ImportJob.State.REVIEW,
    ImportJob.State.QUEUED,
    ImportJob.State.FAILED,
    ImportJob.State.CANCELLED,
)
#: A copy of a larger upload passes through a file.
IN_MEMORY: Final = 16 << 20


class ReadAgainRefused(Exception):
    """The file can't be read again so; the text says why and what helps."""


def read_again(job: ImportJob, *, options: Options, user: AbstractBaseUser | None) -> ImportJob:
    """Queue the file of a job to be read with other options; return the job that does it.

    That is the same job, begun anew, if nothing of it has reached the catalog. One that is running
    is cancelled, one that is completed stays as it is, and a new job gets a copy of its upload.
    What was decided in a review is forgotten, since lines may mean other rows now.

    Raises:
        ReadAgainRefused: the upload is gone, damaged or not whole yet.
        UploadRefused: there is no room for a copy.
    """
    if not job.upload or job.state == ImportJob.State.RECEIVING:
        raise ReadAgainRefused(
            "The file is still being received."
            if job.state == ImportJob.State.RECEIVING
            else "The upload has been removed. Upload the file again."
        )
    options = replace(options, missing_agreed=None)
    if queue_anew(job, states=AT_REST, detected={}, **options.as_json()):
        job.refresh_from_db()
        return job
    try:
        stored = uploads().open(job.upload)
    except FileNotFoundError as error:
        raise ReadAgainRefused("The upload has been removed. Upload the file again.") from error
    with stored, SpooledTemporaryFile(IN_MEMORY) as whole:
        try:
            shutil.copyfileobj(stored, whole)
        except PartCorrupt as error:
            raise ReadAgainRefused(str(error)) from error
        copy = accept_upload(
            File(whole),
            file_name=job.file_name,
            user=user,
            options=options,
            repairs=job.repairs,
            source=job.source,
        )
    request_cancel(job)
    return copy


def columns_of(job: ImportJob) -> list[dict[str, Any]]:
    """What is known of each column of a job's file: {header, field, how, filled, samples,
    rival}.

    `filled` is None for an import of before columns were looked at. `rival` is the field that it
    would hold, had not another column been better.
    """
    found = job.detected
    if "mapping" in found:
        known = found["mapping"]
        taken = {each["field"] for each in known if each["how"] in (NAME, SYNONYM)}
        rivals = find_columns([each["header"] for each in known])
        return [
            {**each, "rival": rival.rival if not each["field"] and rival.rival in taken else ""}
            for each, rival in zip(known, rivals, strict=True)
        ]
    fields = {each["header"]: each["field"] for each in found.get("columns", ())}
    return [
        {
            "header": name,
            "field": fields.pop(name, ""),
            "how": "",
            "filled": None,
            "samples": [],
            "rival": "",
        }
        for name in found.get("header", ())
    ]


def settled(before: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """The fields of columns after a choice: a field that was given to another column leaves its
    old one, which takes what that other one held.

    Raises:
        ReadAgainRefused: two columns were given one field, or a required one has none.
    """
    fields = list(chosen)
    changed = [index for index, field in enumerate(chosen) if field != before[index]]
    given = {chosen[index]: index for index in changed if chosen[index]}
    for index, field in enumerate(before):
        if field and field in given and index not in changed:
            swapped = before[given[field]]
            fields[index] = swapped if swapped not in given else ""
    for field in FIELDS:
        if fields.count(field) > 1:
            raise ReadAgainRefused(f"Two columns are to hold {_TITLES[field]}. Choose one of them.")
        if field in REQUIRED and field not in fields:
            raise ReadAgainRefused(
                f"No column is to hold {_TITLES[field]}, which every product must have. Choose one."
            )
    return tuple(fields)


def remember_columns(job: ImportJob, options: Options, *, user: AbstractBaseUser | None) -> None:
    """Keep the columns and the decimal mark that somebody chose, for the next file with this
    header; a mark alone only where its columns are remembered already.
    """
    header = job.detected.get("header", ())
    recalled = None if options.columns else remembered.recall(header)
    columns = recalled.fields if recalled else options.columns
    if columns and len(header) == len(columns) and any(header):
        remembered.remember(header, columns, decimal=options.decimal, user=user)


_TITLES = {field: "the SKU" if field == "sku" else f"the {field}" for field in FIELDS}
