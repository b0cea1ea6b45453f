"""From an address to an import: a fetch is asked for, claimed by a worker, and has an end.

A file that is the one that was imported last is not imported again, and mostly not even sent:
the server is asked by ETag and Last-Modified, and what it sends nevertheless is known by its
SHA-256. What was imported last counts only while its import did not fail.
"""

import datetime
import json
import logging
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import File
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts import audit
from accounts.models import AuditEntry, User
from core.advisory import only_one
from core.downloads import Download, DownloadFailed, download
from core.leases import (
    TICK_SECONDS,
    Cancelled,
    ClockTimestamp,
    Heartbeat,
    Lease,
    LeaseLost,
    asking_request,
    claim_next,
    reap,
    request_cancel,
)
from core.logs import log_ids
from core.wakeups import wake_worker, wake_workers
from imports.fetches import sources
from imports.fetches.schedules import FETCH_TASK
from imports.models import Fetch, ImportJob, Mapping, Source, StoredFile
from imports.options import Options
from imports.storage import uploads
from imports.uploads import NoRoom, UploadRefused, accept_upload

logger = logging.getLogger(__name__)

REAPER_LOCK = 0x66657463  # "fetc"
LOST = (
    "The fetch stopped its worker {attempts} times and was given up. Nothing was imported. "
    "Look at the log and the disk of the process that delivers, then fetch it again."
)
#: Fetches at a time: each holds a thread of the process that delivers webhooks, too.
AT_ONCE = 4
#: A scheduled run that left no row for so long is made up for.
LOST_SECONDS = 60
#: Clocks of machines differ.
CLOCKS = datetime.timedelta(seconds=5)
ENDED_BADLY = (ImportJob.State.FAILED, ImportJob.State.CANCELLED)


class FetchRefused(Exception):
    """It can't even be tried; the text says why and what helps."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def fetch_now(source: Source, *, user: AbstractBaseUser | None, scheduled: bool = False) -> Fetch:
    """Ask for the source's file; the fetch that is under way, if there is one.

    Raises:
        Source.DoesNotExist: it was deleted.
    """
    with transaction.atomic():
        held = Source.objects.select_for_update().get(pk=source.pk)
        running = sources.under_way(held)
        if running is not None:
            return running
        fetch = Fetch.objects.create(
            source=held,
            scheduled=scheduled,
            created_by_id=user.pk if user else None,
            request_id=asking_request(),
        )
        Fetch.objects.filter(pk=fetch.pk).update(accepted_at=ClockTimestamp())
        if not scheduled:
            audit.record(AuditEntry.Action.SOURCE_FETCHED, actor=user, target=held.name)
        transaction.on_commit(partial(wake_worker, Fetch))
    return fetch


def fetch_scheduled(source_pk: int) -> Fetch | None:
    """Ask for the file of a source whose time has come; None if it is gone or switched off."""
    try:
        source = Source.objects.get(pk=source_pk, enabled=True)
        return fetch_now(source, user=source.created_by, scheduled=True)
    except Source.DoesNotExist:
        return None


def make_up_for_lost() -> None:
    """Ask again where the clock struck and its message got lost on the way."""
    now = timezone.now()
    struck = PeriodicTask.objects.filter(
        task=FETCH_TASK,
        enabled=True,
        total_run_count__gt=0,
        last_run_at__gt=now - datetime.timedelta(days=1),
        last_run_at__lt=now - datetime.timedelta(seconds=LOST_SECONDS),
    )
    for task in struck:
        (source_pk,) = json.loads(task.args)
        since = Fetch.objects.filter(
            source_id=source_pk, scheduled=True, created_at__gte=task.last_run_at - CLOCKS
        )
        if not since.exists() and fetch_scheduled(source_pk) is not None:
            logger.warning("a scheduled fetch was made up for: source=%d", source_pk)


def cancel(source: Source) -> bool:
    """Ask for the source's fetch to be cancelled; False if none is under way."""
    running = sources.under_way(source)
    return running is not None and request_cancel(running)


def claim() -> Lease[Fetch] | None:
    """The fetch that waits longest, unless as many as may be are under way."""
    busy = Fetch.objects.filter(state__in=Fetch.RUNNING, leased_until__gte=ClockTimestamp())
    if busy.count() >= AT_ONCE:
        return None
    return claim_next(Fetch, Fetch.State.FETCHING)


def run_fetch(lease: Lease[Fetch]) -> None:
    """Carry one claimed fetch to its end.

    Raises whatever is nobody's fault but ours: the lease then ends at once, and the reaper gives
    the fetch to the next worker.
    """
    fetch = lease.row
    with log_ids(request_id=fetch.request_id):
        logger.info("fetch started: fetch=%d source=%d", fetch.pk, fetch.source_id)
        try:
            with Heartbeat(lease, publish=lambda figures: None) as beat:
                _fetch(lease, beat)
        except (DownloadFailed, FetchRefused) as refused:
            lease.fail(refused.code, str(refused), progress={})
        except UploadRefused as refused:
            is_full = isinstance(refused, NoRoom)
            lease.fail("no_room" if is_full else "quota_full", str(refused), progress={})
        except Cancelled:
            _clear(fetch)
            lease.cancel(progress={})
        except LeaseLost:
            logger.warning("the lease was lost: the source is gone, or another worker has it")
        finally:
            _let_go(lease)
        logger.info("fetch ended: fetch=%d state=%s", fetch.pk, fetch.state)


def _fetch(lease: Lease[Fetch], beat: Heartbeat[Fetch]) -> None:
    fetch = lease.row
    source = Source.objects.filter(pk=fetch.source_id).first()
    if source is None:
        raise LeaseLost
    job = _accepted_before(fetch)
    if job is not None:
        beat.stop()
        lease.finish(Fetch.State.COMPLETED, job_id=job.pk, size=job.size, progress={})
        return
    user = _importer(fetch)
    access = sources.access_of(source)
    if access is None:
        raise FetchRefused(
            "address_unreadable",
            "The address can't be read: the operator put another SECRET_KEY in place. Type address"
            " and password again, or have the former key added to SECRET_KEY_FALLBACKS.",
        )
    options = Options.from_json(source.options)
    if options.mapping_id and not Mapping.objects.filter(pk=options.mapping_id).exists():
        raise FetchRefused(
            "mapping_gone",
            "The mapping by which this source is read was deleted. Choose another one.",
        )
    known = source if is_imported(source) else Source()

    def watch(size: int) -> None:
        beat.check()
        beat.report(size=size)

    with tempfile.TemporaryFile() as file:
        fetching = partial(
            download,
            access.asked(etag=known.etag, last_modified=known.last_modified),
            file,
            most=settings.RESUMABLE_MAX_BYTES,
            seconds=settings.FETCH_DEADLINE_SECONDS,
            watch=watch,
        )
        got = _while(beat.check, fetching)
        if got.changed and got.sha256 != known.sha256:
            file.flush()
            lease.check()
            job = accept_upload(
                File(file, name=got.file_name),
                file_name=got.file_name,
                user=user,
                options=options,
                source=source,
            )
    beat.stop()
    try:
        _finish(lease, source, got, job)
    except Cancelled:
        # The file was handed on already when the word came.
        if job is not None:
            request_cancel(job)
        raise


def _clear(fetch: Fetch) -> None:
    """Remove what was being stored when the cancel came."""
    receiving = ImportJob.State.RECEIVING
    for job in ImportJob.objects.filter(source=fetch.source_id, state=receiving):
        stored = StoredFile.objects.filter(name__startswith=f"imports/{job.pk}-")
        for name in stored.values_list("name", flat=True):
            uploads().delete(name)
        job.delete()


def _while(check: Callable[[], None], work: Callable[[], Download]) -> Download:
    """What `work` returns or raises, as long as `check` raises nothing.

    A server that is silent keeps `work` waiting. Whoever cancels does not wait for it: its thread
    is left behind, and ends with the first byte or when the server was silent for too long.
    """
    done: Future[Download] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 raised again where it was asked for
            done.set_exception(error)

    threading.Thread(target=copy_context().run, args=(run,), name="fetch", daemon=True).start()
    while not wait([done], timeout=TICK_SECONDS).done:
        check()
    return done.result()


def _finish(lease: Lease[Fetch], fetched: Source, got: Download, job: ImportJob | None) -> None:
    with transaction.atomic():
        if got.changed:
            source = Source.objects.select_for_update().filter(pk=fetched.pk).first()
            # Somebody may have changed it meanwhile, and then its next file is a new one.
            if source and (source.access, source.options) == (fetched.access, fetched.options):
                source.etag, source.sha256 = got.etag[:1024], got.sha256
                source.last_modified = got.last_modified[:64]
                source.save(update_fields=["etag", "last_modified", "sha256"])
        lease.finish(
            Fetch.State.UNCHANGED if job is None else Fetch.State.COMPLETED,
            job_id=job.pk if job else None,
            size=got.size if got.changed else None,
            progress={},
        )


def is_imported(source: Source) -> bool:
    """Whether the file that was imported last is in the catalog, or on its way there."""
    last = source.import_jobs.filter(sha256=source.sha256).order_by("-id").first()
    return bool(source.sha256) and (last is None or last.state not in ENDED_BADLY)


def _accepted_before(fetch: Fetch) -> ImportJob | None:
    """The import of this very fetch, from a worker that died before it could say so."""
    if fetch.attempt < 2 or fetch.started_at is None:
        return None
    since = ImportJob.objects.filter(
        source=fetch.source_id, created_at__gte=fetch.started_at, accepted_at__isnull=False
    )
    return since.exclude(pk__in=Fetch.objects.filter(job__isnull=False).values("job")).first()


def _importer(fetch: Fetch) -> User:
    """In whose name it is imported: who pressed the button, or whose schedule it is."""
    user = fetch.created_by
    if user is not None and sources.may_import(user):
        return user
    who = "Whoever made this source is" if user is None else f"{user.get_username()} is"
    raise FetchRefused(
        "owner_gone",
        f"{who} not allowed to import any more. Open the source and save it: it is yours then.",
    )


def _let_go(lease: Lease[Fetch]) -> None:
    """A lease that is still held, because something broke, ends at once."""
    connection.close_if_unusable_or_obsolete()
    try:
        lease.expire()
    except DatabaseError as error:
        logger.warning("left for the reaper: %s", error)


def reap_fetches() -> None:
    """Give dead workers' fetches back, make up for lost ones, wake workers for those that wait."""
    with only_one(REAPER_LOCK) as alone:
        if not alone:
            return
        reap(Fetch, lost_message=LOST.format(attempts=settings.MAX_ATTEMPTS))
        make_up_for_lost()
    wake_workers(Fetch)


def prune_fetches() -> None:
    """Forget fetches that are older than the settings keep."""
    before = timezone.now() - datetime.timedelta(days=settings.JOB_RETENTION_DAYS)
    Fetch.objects.filter(finished_at__lt=before).delete()
