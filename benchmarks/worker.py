"""One half of an import in a process of its own: `receive FILE`, or `run` what waits.

Or one operation: `operate delete_all`, `operate undo`. Or for webhooks: `listen URL COUNT` makes
endpoints, `edit` changes a product. Prints one JSON object.
The halves are apart because the memory of the second is measured.
"""

import json
import resource
import sys
import time
from pathlib import Path

import django
import psutil
from django.core.files import File
from django.db import connection


def receive(path: Path) -> dict[str, object]:
    """Take a file in as the web process does: stored in the database, queued."""
    from imports.options import Options
    from imports.uploads import accept_upload

    began = time.perf_counter()
    with path.open("rb") as file:
        accept_upload(File(file), file_name=path.name, user=None, options=Options(), wake=False)
    return {"seconds": time.perf_counter() - began}


def run() -> dict[str, object]:
    """Import what waits, from claim to completed; memory in bytes."""
    from core.leases import claim_next
    from imports.models import ImportJob
    from imports.pipeline import run_import

    connection.ensure_connection()
    idle = psutil.Process().memory_info().rss
    began, cpu_began = time.perf_counter(), time.process_time()
    lease = claim_next(ImportJob, ImportJob.State.READING)
    if lease is None:
        sys.exit("no import waits")
    run_import(lease)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    job = ImportJob.objects.get(pk=lease.row.pk)
    if job.state != ImportJob.State.COMPLETED:
        sys.exit(f"the import is {job.state}: {job.error_message}")
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "phases": job.phases,
        "idle_bytes": idle,
        "peak_bytes": peak(),
        "counts": {
            name: getattr(job, name)
            for name in ("read", "created", "updated", "unchanged", "duplicates", "rejected")
        },
    }


def operate(command: str) -> dict[str, object]:
    """Carry out an operation on all products, or undo the newest change set."""
    from catalog import operations
    from catalog.models import BulkOperation, ChangeSet
    from core.leases import claim_next

    if command == "undo":
        operation = operations.start_undo(ChangeSet.objects.order_by("-pk")[0], actor=None)
    else:
        operation = operations.start(BulkOperation.Kind(command), actor=None)
    began = time.perf_counter()
    lease = claim_next(BulkOperation, BulkOperation.State.RUNNING)
    if lease is None:
        sys.exit("no operation waits")
    operations.run_operation(lease)
    seconds = time.perf_counter() - began
    operation.refresh_from_db()
    if operation.state != BulkOperation.State.COMPLETED:
        sys.exit(f"the operation is {operation.state}: {operation.error_message}")
    return {
        "seconds": seconds,
        "written": operation.created + operation.updated + operation.deleted,
    }


def listen(url: str, count: int) -> dict[str, object]:
    """Make endpoints that send whatever they are given at once."""
    from webhooks import endpoints
    from webhooks.models import EventType

    for _ in range(count):
        endpoints.create(actor=None, url=url, event_types=list(EventType), rate_per_hour=1_000_000)
    return {"endpoints": count}


def edit() -> dict[str, object]:
    """Change one product as the page does; returns the time at which it was committed."""
    from catalog import products
    from catalog.models import ChangeSet, Product

    product = Product.objects.first()
    if product is None:
        product = products.create(source=ChangeSet.Source.FORM, actor=None, sku="A", name="A")
    else:
        products.update(product.pk, source=ChangeSet.Source.FORM, actor=None, name=f"{time.time()}")
    return {"committed": time.time()}


def sign_in() -> dict[str, object]:
    """Make somebody who may see everything; returns the key of a session."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from accounts.models import User

    user = User.objects.create_superuser("bench", password=None)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"session": session.session_key}


def peak() -> int:
    """The most memory this process ever held, in bytes.

    Not by getrusage where /proc can tell: what a process that was just forked from a larger one
    held counts there too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(arguments: list[str]) -> None:
    django.setup()
    match arguments:
        case ["receive", path]:
            result = receive(Path(path))
        case ["operate", command]:
            result = operate(command)
        case ["listen", url, count]:
            result = listen(url, int(count))
        case ["edit"]:
            result = edit()
        case ["sign-in"]:
            result = sign_in()
        case _:
            result = run()
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
