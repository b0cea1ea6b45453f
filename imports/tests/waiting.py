"""Imports that wait for their review, as tests look at them."""

from imports.models import ImportJob
from imports.tests.importing import completed, csv_of, imported

OLD = csv_of(
    "A-1,Bolt,short,10.00,yes",
    "A-2,Nut,,20.00,yes",
    "A-3,Washer,flat,30.00,yes",
    "A-4,Screw,,40.00,yes",
    "A-5,Größe Öse,,50.00,yes",
)
FILE = csv_of(
    "A-1,Bolt,long,10.50,yes",
    "A-2,Nut,,2.00,yes",
    "A-3,Washer,,30.00,no",
    "a-4,Screw,,40.00,yes",
    "B-1,New one,,1.00,yes",
    "B-2,,,1.00,yes",
)


def in_review(content: str = FILE, *, old: str = OLD, **options: str) -> ImportJob:
    """An import of a file over these products that waits for its review."""
    if old:
        completed(old)
    job = imported(content, review="always", **options)
    assert job.state == ImportJob.State.REVIEW, job.error_message
    return job
