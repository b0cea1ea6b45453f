"""Fetches: what becomes of a file at an address, and of the worker that fetches it."""

import datetime
import threading
import time
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from accounts.models import AuditEntry, User
from catalog.wording import audit_words
from core.leases import Cancelled, Lease
from core.tests.hostile import Peer
from imports.fetches import fetching, sources
from imports.fetches.fetching import claim, fetch_now, fetch_scheduled, run_fetch
from imports.fetches.schedules import checked
from imports.fetches.sources import Access
from imports.models import Fetch, ImportJob, Source, StoredFile
from imports.options import Options
from imports.storage import write_part
from imports.tasks import fetch_next
from imports.tests.importing import product, run_next
from imports.tests.serving import CSV, shelf

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

State = Fetch.State


@pytest.fixture(autouse=True)
def on_this_machine(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = settings.OUTBOUND_ALLOW_HTTP = True
    settings.OUTBOUND_CA_BUNDLE = ""
    settings.FETCH_DEADLINE_SECONDS = 5


def source_at(url: str, user: User | None, **how: object) -> Source:
    how = {"options": Options(), "name": "Supplier", "access": Access(url)} | how
    return sources.create(actor=user, **how)  # type: ignore[arg-type]


def claimed() -> Lease[Fetch]:
    lease = claim()
    assert lease is not None
    return lease


def fetched(source: Source, user: User | None) -> Fetch:
    """Ask for the file and carry the fetch to its end."""
    asked = fetch_now(Source.objects.get(pk=source.pk), user=user)
    run_fetch(claimed())
    return Fetch.objects.get(pk=asked.pk)


def test_file_becomes_an_import_by_the_sources_options(editor: User) -> None:
    options = Options(mode="create", empty="clear")
    with shelf() as server:
        source = source_at(server.url, editor, options=options)
        fetch = fetched(source, editor)

    assert (fetch.state, fetch.size, fetch.attempt) == ("completed", 25, 1)
    assert fetch.started_at
    assert fetch.finished_at
    job = fetch.job
    assert job is not None
    assert (job.file_name, job.size, job.source, job.created_by) == (
        "prices.csv",
        25,
        source,
        editor,
    )
    assert (job.mode, job.empty, job.state) == ("create", "clear", "queued")
    assert run_next().state == "completed"
    assert product("A-1").name == "One"


def test_unchanged_file_costs_nothing(editor: User) -> None:
    with shelf() as server:
        source = source_at(server.url, editor)
        fetched(source, editor)
        again = fetched(source, editor)

    assert (again.state, again.size, again.job) == ("unchanged", None, None)
    assert b'If-None-Match: "v1"' in server.requests[1]
    assert ImportJob.objects.count() == 1


def test_same_bytes_from_a_server_without_etags_are_not_imported_again(editor: User) -> None:
    with shelf(etag="") as server:
        source = source_at(server.url, editor)
        fetched(source, editor)
        again = fetched(source, editor)

        server.body = CSV + b"A-3,Three\n"
        changed = fetched(source, editor)

    assert (again.state, again.size) == ("unchanged", 25)
    assert (changed.state, changed.size) == ("completed", 35)
    assert ImportJob.objects.count() == 2


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_file_whose_import_failed_is_imported_again(state: str, editor: User) -> None:
    with shelf() as server:
        source = source_at(server.url, editor)
        fetched(source, editor)
        ImportJob.objects.update(state=state)
        again = fetched(source, editor)

    assert again.state == "completed"
    assert b"If-None-Match" not in server.requests[1]
    assert ImportJob.objects.count() == 2


@pytest.mark.parametrize("changed", ["options", "access"])
def test_file_that_is_read_in_another_way_is_a_new_one(changed: str, editor: User) -> None:
    with shelf() as server:
        source = source_at(server.url, editor)
        fetched(source, editor)
        values = {"options": Options(mode="update"), "access": Access(f"{server.url}2")}
        sources.change(Source.objects.get(), actor=editor, **{changed: values[changed]})

        assert fetched(source, editor).state == "completed"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"status": "404 Not Found"}, "not_found"),
        ({"status": "401 Unauthorized"}, "access"),
        ({"body": b""}, "empty_file"),
        ({"lines": ("Content-Length: 26",)}, "connection"),
    ],
)
def test_failure_says_what_to_do_and_imports_nothing(
    how: dict[str, object], code: str, editor: User
) -> None:
    with shelf(**how) as server:  # type: ignore[arg-type]
        if "lines" in how:
            server.behave = half
        fetch = fetched(source_at(server.url, editor), editor)

    assert (fetch.state, fetch.error_code) == ("failed", code)
    assert fetch.error_message
    assert "secret" not in fetch.error_message
    assert Source.objects.get().etag == Source.objects.get().sha256 == ""
    assert not ImportJob.objects.exists()


def half(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n" + CSV)


def test_file_above_the_cap_is_refused(editor: User, settings: Settings) -> None:
    settings.RESUMABLE_MAX_BYTES = 24
    with shelf() as server:
        assert fetched(source_at(server.url, editor), editor).error_code == "too_large"


def test_quota_is_the_uploads(editor: User, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_BYTES = 24
    with shelf() as server:
        fetch = fetched(source_at(server.url, editor), editor)

    assert (fetch.state, fetch.error_code) == ("failed", "quota_full")


def test_user_name_and_password_are_kept_encrypted_and_sent(editor: User) -> None:
    with shelf() as server:
        access = Access(server.url, "shop", "pass word")
        source = source_at(server.url, editor, access=access)
        fetched(source, editor)

    assert b"Authorization: Basic c2hvcDpwYXNzIHdvcmQ=" in server.requests[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT access, address FROM imports_source")
        stored, address = cursor.fetchone()
    assert "pass" not in stored
    assert "secret" not in stored
    assert address == server.url.partition("?")[0] + "?…"


def test_address_that_can_not_be_decrypted_says_so(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE imports_source SET access = 'by another key'")

    fetch = fetched(source, editor)

    assert fetch.error_code == "address_unreadable"
    # What else stands there can still be changed.
    sources.change(Source.objects.get(), actor=editor, name="Other")
    assert Source.objects.get().access is None
    sources.change(Source.objects.get(), actor=editor, access=Access("http://127.0.0.1:9999/"))
    assert Source.objects.get().access["url"] == "http://127.0.0.1:9999/"


@pytest.mark.parametrize("gone", ["deleted", "switched off", "without a role"])
def test_nothing_is_imported_in_the_name_of_who_may_not_any_more(gone: str, editor: User) -> None:
    with shelf() as server:
        source = source_at(server.url, editor, schedule=checked("0 6 * * *", "UTC"))
        if gone == "deleted":
            editor.delete()
        elif gone == "switched off":
            User.objects.update(is_active=False)
        else:
            editor.groups.clear()
        assert fetch_scheduled(source.pk) is not None
        run_fetch(claimed())

    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.error_code) == ("failed", "owner_gone")
    assert "save it: it is yours then" in fetch.error_message
    assert not ImportJob.objects.exists()
    assert server.requests == []


def test_whoever_saves_an_orphaned_source_has_it(editor: User, manager: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor)

    sources.change(source, actor=manager, name="Other")
    assert Source.objects.get().created_by == editor
    User.objects.filter(pk=editor.pk).update(is_active=False)
    sources.change(Source.objects.get(), actor=manager, name="Mine")

    assert Source.objects.get().created_by == manager


def test_one_fetch_at_a_time_for_a_source(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor)

    first = fetch_now(source, user=editor)
    lease = claimed()
    second = fetch_now(source, user=editor)

    assert (first.pk, lease.row.pk) == (second.pk, first.pk)
    assert Fetch.objects.count() == 1


def test_no_more_fetches_at_a_time_than_may_be(editor: User) -> None:
    for number in range(fetching.AT_ONCE + 1):
        source = source_at("http://127.0.0.1:9999/", editor, name=str(number))
        fetch_now(source, user=editor)
    leases = [claim() for _ in range(fetching.AT_ONCE + 1)]

    assert [lease is not None for lease in leases] == [True] * fetching.AT_ONCE + [False]


def test_worker_that_died_in_a_fetch_is_made_up_for(editor: User, settings: Settings) -> None:
    with shelf() as server:
        source = source_at(server.url, editor)
        fetch_now(source, user=editor)
        dead = claimed()
        dead.expire()
        fetching.reap_fetches()

        assert Fetch.objects.get().state == "queued"
        fetch_next()

    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.attempt, ImportJob.objects.count()) == ("completed", 2, 1)
    # The dead one wakes up late: it writes nothing.
    assert not dead.fail("late", "too late")


def test_file_that_was_accepted_before_the_worker_died_is_not_imported_twice(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*rest: object) -> None:
        raise KeyboardInterrupt

    with shelf() as server:
        fetch_now(source_at(server.url, editor), user=editor)
        with monkeypatch.context() as patched:
            patched.setattr(fetching, "_finish", die)
            with pytest.raises(KeyboardInterrupt):
                run_fetch(claimed())
        assert ImportJob.objects.count() == 1
        fetching.reap_fetches()
        run_fetch(claimed())

    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.job, fetch.size) == ("completed", ImportJob.objects.get(), 25)
    assert len(server.requests) == 1


def test_fetch_that_kills_its_workers_fails_with_a_reason(editor: User) -> None:
    fetch_now(source_at("http://127.0.0.1:9999/", editor), user=editor)
    for _ in range(configured.MAX_ATTEMPTS):
        claimed().expire()
    fetching.reap_fetches()

    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.error_code) == ("failed", "worker_lost")
    assert "3 times" in fetch.error_message


def test_source_that_is_deleted_while_it_is_fetched_leaves_nothing(editor: User) -> None:
    with shelf() as server:
        source = source_at(server.url, editor, schedule=checked("0 6 * * *", "UTC"))
        fetch_now(source, user=editor)
        lease = claimed()
        sources.delete(source, actor=editor)
        run_fetch(lease)

    assert not Fetch.objects.exists()
    assert not PeriodicTask.objects.exists()
    assert fetch_scheduled(source.pk) is None


def test_cancel_ends_a_fetch_whose_server_is_silent(editor: User, settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS = 0.05
    settings.FETCH_DEADLINE_SECONDS = 30
    asked = threading.Event()

    def stall(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nsku,name\r\n")
        asked.set()
        peer.wait()

    with shelf() as server:
        server.behave = stall
        source = source_at(server.url, editor)
        fetch_now(source, user=editor)
        lease = claimed()
        worker = threading.Thread(target=run_and_close, args=(lease,))
        worker.start()
        assert asked.wait(5)
        cancelled = time.monotonic()
        assert fetching.cancel(source)
        worker.join(5)
        assert time.monotonic() - cancelled < 2

    assert Fetch.objects.get().state == "cancelled"
    assert not ImportJob.objects.exists()
    assert not StoredFile.objects.exists()
    assert not fetching.cancel(source)


def run_and_close(lease: Lease[Fetch]) -> None:
    try:
        run_fetch(lease)
    finally:
        connection.close()


def test_cancel_while_the_file_is_being_stored_leaves_none_of_it(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*of: Any, source: Source, **how: Any) -> None:
        job = ImportJob.objects.create(file_name="prices.csv", source=source)
        file = StoredFile.objects.create(name=f"imports/{job.pk}-half")
        write_part(file, 0, b"sku,")
        raise Cancelled

    monkeypatch.setattr(fetching, "accept_upload", interrupted)
    with shelf() as server:
        fetch = fetched(source_at(server.url, editor), editor)

    assert fetch.state == "cancelled"
    assert not ImportJob.objects.exists()
    assert not StoredFile.objects.exists()


def test_fetch_that_waits_is_cancelled_at_once(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor)
    fetch_now(source, user=editor)

    assert fetching.cancel(source)

    assert Fetch.objects.get().state == "cancelled"
    assert claim() is None


def test_file_that_was_handed_on_as_the_cancel_came_is_not_imported(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = fetching._finish

    def late(*of: Any) -> None:
        assert fetching.cancel(Source.objects.get())
        finish(*of)

    monkeypatch.setattr(fetching, "_finish", late)
    with shelf() as server:
        fetch = fetched(source_at(server.url, editor), editor)

    assert (fetch.state, fetch.job) == ("cancelled", None)
    assert ImportJob.objects.get().state == "cancelled"
    assert Source.objects.get().sha256 == ""


def test_what_is_done_with_a_source_is_audited_without_its_secrets(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/a?token=secret", editor)
    moved = Access("http://127.0.0.1:9999/b?token=secret", "shop", "pass-word")
    sources.change(source, actor=editor, access=moved, enabled=False, name="Supplier")
    sources.change(source, actor=editor, access=moved)
    fetch_now(source, user=editor)
    fetch_now(source, user=editor)
    fetching.cancel(source)
    fetch_now(source, user=editor, scheduled=True)
    sources.delete(source, actor=editor)

    entries = AuditEntry.objects.filter(action__startswith="source_").order_by("pk")
    assert [(each.action, each.details) for each in entries] == [
        ("source_created", {}),
        ("source_changed", {"fields": ["access", "enabled"]}),
        ("source_fetched", {}),
        ("source_deleted", {}),
    ]
    assert {(each.target, each.actor_name) for each in entries} == {("Supplier", "editor")}
    assert audit_words(entries[1]).note == "address, switched on or off"


def test_source_that_is_switched_off_is_not_fetched_by_itself(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor, enabled=False)

    assert fetch_scheduled(source.pk) is None
    assert not Fetch.objects.exists()


def test_lost_message_of_the_clock_is_made_up_for_once(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor, schedule=checked("0 6 * * *", "UTC"))
    fetching.make_up_for_lost()
    assert not Fetch.objects.exists()

    struck = timezone.now() - datetime.timedelta(minutes=5)
    PeriodicTask.objects.update(last_run_at=struck, total_run_count=1)
    fetching.make_up_for_lost()
    fetch = Fetch.objects.get()
    assert (fetch.source, fetch.scheduled, fetch.created_by) == (source, True, editor)

    Fetch.objects.update(state="failed")
    fetching.make_up_for_lost()
    assert Fetch.objects.count() == 1


def test_old_fetches_are_forgotten(editor: User) -> None:
    source = source_at("http://127.0.0.1:9999/", editor)
    year = datetime.timedelta(days=configured.JOB_RETENTION_DAYS)
    for days in (1, -1):
        Fetch.objects.create(
            source=source,
            state="failed",
            finished_at=timezone.now() - year + datetime.timedelta(days=days),
        )

    fetching.prune_fetches()

    assert Fetch.objects.count() == 1


def test_slow_server_ends_at_the_deadline(editor: User, settings: Settings) -> None:
    settings.FETCH_DEADLINE_SECONDS = 0.3

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        peer.drip(b"a")

    with shelf() as server:
        server.behave = drip
        fetch = fetched(source_at(server.url, editor), editor)

    assert (fetch.state, fetch.error_code) == ("failed", "time_out")
