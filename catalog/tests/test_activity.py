"""What happened lately, as the activity page tells it, and what of it is undone."""

import datetime
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.audit import record
from accounts.models import AuditEntry, User
from catalog import operations, products
from catalog.activity import Asked, Key, activity, undone_among
from catalog.models import BulkOperation, ChangeSet, Product
from catalog.tests.change_sets import (
    ADMIN,
    API,
    FORM,
    HTMX,
    PAGE,
    edited,
    html_of,
    imported,
    made,
    newest,
    text_of,
    undone,
)
from catalog.wording import actor_of, audit_words, filter_words

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

Kind = BulkOperation.Kind


@pytest.fixture
def manager_client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def told(asked: Asked | None = None) -> list[tuple[str, str, str]]:
    """Who, what, note, newest first."""
    page = activity(asked or Asked())
    return [
        (entry.who, entry.words.what, entry.words.note)
        for day in page.days
        for entry in day.entries
    ]


# --- In words -------------------------------------------------------------------------------


def test_change_of_one_product_names_it(editor: User) -> None:
    product = made("A-1", "Hex bolt M8", editor)
    edited(product, editor, name="Hex bolt M8 x 40")
    edited(product, editor, ADMIN, price=Decimal(5))
    edited(product, None, API, active=False)
    products.delete(product.pk, source=FORM, actor=editor)

    assert told() == [
        ("editor", "Deleted Hex bolt M8 x 40", ""),
        ("Command line", "Changed Hex bolt M8 x 40 through the API", ""),
        ("editor", "Changed Hex bolt M8 x 40 in the admin", ""),
        ("editor", "Edited Hex bolt M8 x 40", ""),
        ("editor", "Created Hex bolt M8 x 40", ""),
    ]


def test_change_of_many_products_counts_them() -> None:
    ChangeSet.objects.create(source=API, updated=1038)
    ChangeSet.objects.create(source=API, created=2, updated=1)
    ChangeSet.objects.create(source=ChangeSet.Source.DELETE_ALL, deleted=500_184)
    ChangeSet.objects.create(source=ChangeSet.Source.BULK, deleted=2)
    imported("A-1", file="spring.csv")
    ChangeSet.objects.create(source=ChangeSet.Source.IMPORT, created=7)

    assert [what for _, what, _ in told()] == [
        "Imported a file",
        "Imported",
        "Deleted 2 products",
        "Deleted all 500,184 products",
        "Changed 3 products through the API",
        "Changed 1,038 products through the API",
    ]


def test_bulk_action_says_what_was_chosen_and_undo_what_was_left_alone(editor: User) -> None:
    first, second, third = (made(f"A-{at}", "discontinued") for at in range(3))
    bulk = operations.start(Kind.DEACTIVATE, actor=editor, query="name=discontinued")
    edited(first, name="Discontinued")
    edited(second, active=True)
    edited(second, active=False)
    edited(third, active=True)
    edited(third, name="Still sold")
    assert bulk.change_set is not None
    back = undone(bulk.change_set, editor)
    operations.start(Kind.DELETE, actor=editor, ids=[third.pk])

    assert [line for line in told() if line[0] == "editor"] == [
        ("editor", "Deleted 1 product", "Bulk, selected rows"),
        ("editor", f"Undid #{bulk.change_set_id:,}", ""),
        ("editor", "Deactivated 3 products", "Bulk, filter: name contains “discontinued”"),
    ]
    assert (back.updated, back.created, back.deleted) == (2, 0, 0)


def test_undo_says_how_many_it_left_alone_and_why(editor: User) -> None:
    product, other = made("A-1"), made("A-2")
    edited(product, name="Two")
    bulk = operations.start(Kind.DEACTIVATE, actor=editor, query="")
    assert bulk.change_set is not None
    products.delete(product.pk, source=FORM, actor=None)
    back = undone(bulk.change_set, editor)

    assert told()[0] == (
        "editor",
        f"Undid #{bulk.change_set.pk:,}",
        "1 product left alone: deleted since",
    )
    assert (back.updated, Product.objects.get().pk) == (1, other.pk)
    assert told()[2] == ("editor", "Deactivated 2 products", "Bulk, all products")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "all products"),
        ("sku=M8&active=false", "filter: SKU contains “M8”, inactive"),
        ("search=bolt&active=true", "filter: SKU, name or description contains “bolt”, active"),
        ("price_min=1000&price_max=2000.5", "filter: price from 1,000.00, price to 2,000.50"),
        ("updated_before=2024-01-01", "filter: updated to 1 Jan 2024"),
        ("updated_after=2024-01-01T10:30:00Z", "filter: updated from 1 Jan 2024, 10:30"),
        ("price_min=cheap", "all products"),
    ],
)
def test_filter_is_told_by_its_labels(query: str, words: str) -> None:
    assert filter_words(query) == words


@pytest.mark.parametrize(
    ("action", "details", "words"),
    [
        ("ENDPOINT_CREATED", {}, ("manager", "plus", "Created the endpoint shop.example.com", "")),
        ("ENDPOINT_CHANGED", {"fields": ["url", "rate_per_hour", "headers"]},
         ("manager", "pencil", "Changed the endpoint shop.example.com", "URL, rate, headers")),
        ("ENDPOINT_DELETED", {}, ("manager", "trash", "Deleted the endpoint shop.example.com", "")),
        ("ENDPOINT_PAUSED", {},
         ("manager", "player-pause", "Paused the endpoint shop.example.com", "")),
        ("ENDPOINT_ENABLED", {"send_failed": False},
         ("manager", "circle-check", "Enabled the endpoint shop.example.com", "")),
        ("ENDPOINT_ENABLED", {"send_failed": True},
         ("manager", "circle-check", "Enabled the endpoint shop.example.com",
          "what had failed sent again")),
        ("ENDPOINT_DISABLED", {"reason": "failing"},
         ("", "ban", "Disabled the endpoint shop.example.com", "nothing but failure for 5 days")),
        ("ENDPOINT_DISABLED", {"reason": "gone"},
         ("", "ban", "Disabled the endpoint shop.example.com", "it answered 410 Gone")),
        ("SECRET_REVEALED", {},
         ("manager", "shield-lock", "Revealed the signing secret of shop.example.com", "")),
        ("SECRET_ROTATED", {},
         ("manager", "shield-lock", "Rotated the signing secret of shop.example.com", "")),
        ("OLD_SECRET_ENDED", {},
         ("manager", "shield-lock", "Ended the old signing secret of shop.example.com", "")),
        ("DELIVERIES_RESENT", {"count": 1},
         ("manager", "send", "Sent 1 delivery again to shop.example.com", "")),
        ("DELIVERIES_RESENT", {"count": 1906},
         ("manager", "send", "Sent 1,906 deliveries again to shop.example.com", "")),
    ],
)  # fmt: skip
def test_what_was_done_to_an_endpoint_is_told(
    manager: User, action: str, details: dict[str, Any], words: tuple[str, ...]
) -> None:
    actor = None if action == "ENDPOINT_DISABLED" else manager
    entry = record(AuditEntry.Action[action], actor=actor, target="shop.example.com", **details)

    said = audit_words(entry)

    assert (actor_of(entry), said.icon, said.what, said.note) == words


def test_audit_stands_among_the_change_sets_for_managers(
    manager: User, manager_client: Client, editor_client: Client
) -> None:
    AuditEntry.objects.all().delete()
    record(AuditEntry.Action.SIGN_IN_FAILED, actor=None, target="mallory")
    record(AuditEntry.Action.SIGNED_IN, actor=manager)
    made(actor=manager)
    User.objects.create_user("ann").groups.add(1)
    ann = User.objects.get(username="ann")
    ann.is_active = False
    ann.set_password("another one")
    ann.save()
    record(AuditEntry.Action.EXPORTED, actor=manager, target="3 products", rows=3, query="sku=M8")
    record(AuditEntry.Action.OPERATION_CANCELLED, actor=manager, target="Deleting products")
    role = ann.groups.get().name

    assert told(Asked(with_audit=True)) == [
        ("manager", "Cancelled “Deleting products”", ""),
        ("manager", "Exported 3 products", "filter: SKU contains “M8”"),
        ("Command line", "Changed the user ann", "password, active yes → no"),
        ("Command line", "Changed the roles of ann", f"added {role}"),
        ("Command line", "Created the user ann", ""),
        ("manager", "Created One", ""),
        ("manager", "Signed in", ""),
        ("", "Failed to sign in as “mallory”", ""),
    ]
    assert told() == [("manager", "Created One", "")]
    for client, sees in ((manager_client, True), (editor_client, False)):
        page = text_of(client.get(PAGE, {"source": "access"}))
        assert ("Failed to sign in as “mallory”" in page) is sees
        assert ("Created One" in page) is not sees
        assert ("Access" in page) is sees


# --- The list -------------------------------------------------------------------------------


def test_page_groups_by_day_in_the_zone_of_the_viewer(viewer: User, viewer_client: Client) -> None:
    viewer.time_zone = "Pacific/Auckland"
    viewer.save()
    zone = ZoneInfo("Pacific/Auckland")
    noon = timezone.now().astimezone(zone).replace(hour=0, minute=0, second=30, microsecond=0)
    long_ago = datetime.datetime(2023, 5, 1, 12, 30, tzinfo=zone)
    for at in (
        noon,
        noon - datetime.timedelta(minutes=1),
        noon - datetime.timedelta(days=1, minutes=1),
        long_ago,
    ):
        ChangeSet.objects.filter(pk=ChangeSet.objects.create(source=API, updated=2).pk).update(
            created_at=at
        )

    html = html_of(viewer_client.get(PAGE))

    days = re.findall(r'scope="colgroup">([^<]+)<', html)
    assert days[:2] == ["Today", "Yesterday"]
    assert len(days) == 4
    assert days[3] == "1 May 2023"
    assert (
        '<time datetime="2023-05-01T00:30:00Z" title="1 May 2023, 12:30:00 NZST">12:30</time>'
        in html
    )
    assert ">23:59</time>" in html


def test_filters_by_source_by_person_and_by_day(editor: User, viewer_client: Client) -> None:
    made("A-1", "By the editor", editor)
    edited(Product.objects.get(), None, ADMIN, name="In the admin")
    imported("I-1", file="old.csv", actor=editor)
    ChangeSet.objects.filter(source="import").update(
        created_at=datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=datetime.UTC)
    )

    def shown(**query: str) -> list[int]:
        html = html_of(viewer_client.get(PAGE, query))
        return [int(pk) for pk in re.findall(r'id="change-set-(\d+)"', html)]

    created, changed, old = ChangeSet.objects.order_by("id").values_list("pk", flat=True)
    assert shown() == [changed, created, old]
    assert shown(source="hand") == [changed, created]
    assert shown(source="imports") == [old]
    assert shown(source="undo") == shown(source="bulk") == shown(source="api") == []
    assert shown(source="access") == shown(source="nonsense") == [changed, created, old]
    assert shown(actor=str(editor.pk)) == [created, old]
    assert shown(actor="none") == [changed]
    assert shown(actor="x") == shown(actor="-1") == shown(actor="9" * 30) == shown()
    assert shown(until="2024-02-29") == [old]
    assert shown(until="2024-02-28") == []
    assert (
        shown(until="9999-12-31") == shown(until="31.12.") == shown(until="2024-99-99") == shown()
    )
    assert shown(source="imports", actor="none") == []


def test_same_url_is_a_page_for_browsers_and_a_fragment_for_htmx(viewer_client: Client) -> None:
    made()

    page = html_of(viewer_client.get(PAGE, {"source": "hand"}))
    fragment = html_of(viewer_client.get(PAGE, {"source": "hand"}, headers=HTMX))

    assert page.lstrip().startswith("<!doctype html>")
    assert fragment.lstrip().startswith('<div id="entries"')
    assert 'hx-swap-oob="true"' in fragment
    assert (
        'id="from-hand" href="/activity/?source=hand" hx-get="/activity/?source=hand" '
        'aria-current="true"' in fragment
    )
    assert 'hx-swap-oob="true"' not in page
    assert '<a href="/activity/" aria-current="page">Activity</a>' in page


def test_empty_page_says_what_will_stand_there(viewer_client: Client) -> None:
    assert "Nothing has happened yet" in text_of(viewer_client.get(PAGE))
    assert "Nothing that happened matches these filters." in text_of(
        viewer_client.get(PAGE, {"source": "undo"})
    )


def test_pages_lose_and_double_nothing_at_equal_times(manager: User) -> None:
    AuditEntry.objects.all().delete()
    at = timezone.now()
    ChangeSet.objects.bulk_create(ChangeSet(source=API, updated=2) for _ in range(11))
    ChangeSet.objects.update(created_at=at)
    for _ in range(6):
        record(AuditEntry.Action.SIGNED_IN, actor=manager)
    AuditEntry.objects.update(at=at)
    later = [ChangeSet.objects.create(source=API, updated=3) for _ in range(2)]
    asked = Asked(with_audit=True)

    seen: list[Key] = []
    ranges = []
    page = activity(asked, size=4)
    while True:
        seen += [entry.key for day in page.days for entry in day.entries]
        ranges.append((page.start, page.end, page.total))
        if page.older is None:
            break
        page = activity(asked, older_than=Key.parse(str(page.older)), size=4)

    assert ranges == [(1, 4, 19), (5, 8, 19), (9, 12, 19), (13, 16, 19), (17, 19, 19)]
    assert len(seen) == len(set(seen)) == 19
    assert seen == sorted(seen, reverse=True)
    assert [key.id for key in seen[:2]] == [later[1].pk, later[0].pk]

    back: list[list[Key]] = []
    while page.newer is not None:
        page = activity(asked, newer_than=page.newer, size=4)
        back.append([entry.key for day in page.days for entry in day.entries])
    assert back == [seen[12:16], seen[8:12], seen[4:8], seen[:4]]
    assert page.newer is None


def test_page_beside_a_cursor_stands_still_when_something_new_arrives() -> None:
    for _ in range(6):
        ChangeSet.objects.create(source=API, updated=2)
    first = activity(Asked(), size=2)
    before = activity(Asked(), older_than=first.older, size=2)

    ChangeSet.objects.create(source=API, updated=2)
    after = activity(Asked(), older_than=first.older, size=2)

    assert after.days[0].entries == before.days[0].entries
    assert (before.start, after.start) == (3, 4)


@pytest.mark.parametrize("cursor", ["", "x", "1-1", "1-2-3", "99999999999999999-1-1", "1-1-1-1"])
def test_cursor_that_is_none_leads_to_the_first_page(viewer_client: Client, cursor: str) -> None:
    made()

    for name in ("older_than", "newer_than"):
        response = viewer_client.get(PAGE, {name: cursor})
        assert response.status_code == 200
        assert "Created One" in text_of(response)


def test_page_costs_the_same_queries_however_much_it_shows(
    manager: User, manager_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def everything(rounds: int) -> None:
        for at in range(rounds):
            product = made(f"{rounds}-{at}", actor=manager)
            edited(product, manager, name="Two")
            bulk = operations.start(Kind.DEACTIVATE, actor=manager, ids=[product.pk])
            assert bulk.change_set is not None
            undone(undone(bulk.change_set))
            imported(f"I-{rounds}-{at}", actor=manager)
            products.delete(product.pk, source=FORM, actor=manager)
            record(AuditEntry.Action.EXPORTED, actor=manager)

    everything(1)
    with CaptureQueriesContext(connection) as few:
        manager_client.get(PAGE)
    everything(5)

    with django_assert_max_num_queries(len(few)):
        manager_client.get(PAGE)
    # Beside those of every page: both kinds of rows and their counts, people, total, undos, and
    # the names of single products from their changes, their rows and their deletions.
    assert len(few) <= 17


def test_page_is_found_by_the_index_of_times() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_changeset (id, source, created, updated, deleted, created_at) "
            "SELECT 1000000 + n, 'api', 0, 2, 0, now() - n * interval '1 minute' "
            "FROM generate_series(1, 5000) n"
        )
        cursor.execute(
            "INSERT INTO accounts_auditentry (id, at, actor_name, action, target, details) "
            "SELECT 1000000 + n, now() - n * interval '1 minute', '', 'signed_in', '', '{}' "
            "FROM generate_series(1, 5000) n"
        )
        cursor.execute("ANALYZE catalog_changeset, accounts_auditentry")
    asked = Asked(with_audit=True)
    key = Key(timezone.now() - datetime.timedelta(minutes=2500), 1, 2500)
    with CaptureQueriesContext(connection) as queries:
        page = activity(asked, older_than=key)

    assert (page.end - page.start + 1, page.total) == (50, 10_000)
    paged = [each["sql"] for each in queries if "LIMIT 51" in each["sql"]]
    assert len(paged) == 2
    for statement, index in zip(paged, ("changeset_created_at", "auditentry_at"), strict=True):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert f"Index Scan Backward using {index}" in plan, plan
        assert "Index Cond" in plan, plan


# --- Undone ---------------------------------------------------------------------------------


def test_change_set_is_undone_while_an_undo_of_it_is_in_force() -> None:
    product = made()
    edited(product, name="Two")
    change_set = newest()
    assert undone_among([change_set.pk]) == set()

    first = undone(change_set)
    assert undone_among([change_set.pk, first.pk]) == {change_set.pk}

    second = undone(first)
    assert undone_among([change_set.pk, first.pk, second.pk]) == {first.pk}
    assert Product.objects.get().name == "Two"

    undone(second)
    assert undone_among([change_set.pk, first.pk, second.pk]) == {change_set.pk, second.pk}
    assert undone_among([]) == set()


def test_undo_is_offered_to_editors_where_it_can_be_done(
    editor_client: Client, viewer_client: Client
) -> None:
    product = made()
    edited(product, name="Two")
    undone(newest())
    created, edit, undo = ChangeSet.objects.order_by("id")
    ChangeSet.objects.filter(pk=created.pk).update(pruned_at=timezone.now())

    for_editors = html_of(editor_client.get(PAGE))
    for_viewers = html_of(viewer_client.get(PAGE))

    assert f'href="/activity/{undo.pk}/undo/?next=%2Factivity%2F"' in for_editors
    assert f"/activity/{edit.pk}/undo/" not in for_editors
    assert f"/activity/{created.pk}/undo/" not in for_editors
    assert for_editors.count(">undone<") == for_viewers.count(">undone<") == 1
    assert for_editors.count(">too old to undo<") == 1
    assert "/undo/" not in for_viewers
