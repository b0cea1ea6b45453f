"""Imports as tests run them: through the door, claimed and carried to their end in this process."""

from decimal import Decimal
from typing import Any

import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection

from accounts.models import User
from catalog.models import Product
from core.leases import Lease, claim_next
from imports.models import ImportJob
from imports.options import Options
from imports.pipeline import run_import
from imports.uploads import accept_upload

Values = tuple[str, str, str, Decimal | None, bool]
HEADER = "sku,name,description,price,active"


def csv_of(*lines: str, header: str = HEADER) -> str:
    return "".join(f"{line}\n" for line in (header, *lines))


def accepted(
    content: str | bytes,
    *,
    name: str = "products.csv",
    user: User | None = None,
    wake: bool = False,
    **options: Any,
) -> ImportJob:
    """Hand a file in; it waits for whoever claims it."""
    data = content.encode() if isinstance(content, str) else content
    return accept_upload(
        ContentFile(data), file_name=name, user=user, options=Options(**options), wake=wake
    )


def claimed() -> Lease[ImportJob]:
    lease = claim_next(ImportJob, ImportJob.State.READING)
    assert lease is not None
    return lease


def run_next() -> ImportJob:
    """Carry the job that is next to its end."""
    lease = claimed()
    assert run_import(lease)
    lease.row.refresh_from_db()
    return lease.row


def imported(content: str | bytes, **how: Any) -> ImportJob:
    """Hand a file in and carry it to its end, whatever that is."""
    job = accepted(content, **how)
    done = run_next()
    assert done.pk == job.pk
    return done


def completed(content: str | bytes, **how: Any) -> ImportJob:
    job = imported(content, **how)
    assert job.state == ImportJob.State.COMPLETED, job.error_message
    return job


def counts(job: ImportJob) -> dict[str, int]:
    names = ("read", "created", "updated", "unchanged", "duplicates", "rejected")
    return {name: getattr(job, name) for name in names}


def catalog() -> list[Values]:
    """Every product's values, in the order of their ids."""
    return list(
        Product.objects.order_by("id").values_list("sku", "name", "description", "price", "active")
    )


def product(sku: str) -> Product:
    return Product.objects.get(sku=sku)


def woken() -> int:
    """How many wake-ups wait for a worker."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    try:
        return int(client.llen("imports"))
    finally:
        client.close()


def staging_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'imports\\_staging%'")
        return [name for (name,) in cursor.fetchall()]
