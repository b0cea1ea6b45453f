"""An import that waits for a person: what is risky, what is decided, what is then written."""

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import ChangeSet, Product, ProductChange
from catalog.products import create, delete, update
from core.leases import request_cancel
from imports.cleaning import reap_imports
from imports.models import Decision, ImportJob
from imports.reviews.outcome import Outcome, outcome
from imports.reviews.reviewing import ReviewRefused, apply_review, decide, decide_class
from imports.tests.importing import (
    catalog,
    completed,
    csv_of,
    imported,
    product,
    run_next,
    staging_tables,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

OLD = (
    "A-1,One,Long text,10.00,yes",
    "A-2,Two,,20.00,yes",
    "A-3,Three,,30.00,yes",
    "A-4,Four,,40.00,yes",
)
#: Line 2 moves a price by 60 %, 3 a name, 4 changes nothing, 5 and 6 are of one SKU, 7 is refused.
FILE = csv_of(
    "A-1,One,Long text,16.00,yes",
    "a-2,Zwei,,20.00,yes",
    "A-3,Three,,30.00,yes",
    "A-5,Superseded,,1.00,",
    "A-5,Five,,5.00,",
    "A-6,,,6.00,",
)


@pytest.fixture
def stock() -> None:
    completed(csv_of(*OLD))


def waiting(content: str = FILE, **options: Any) -> ImportJob:
    job = imported(content, **{"review": "risks", **options})
    assert job.state == ImportJob.State.REVIEW, job.error_message
    return job


def applied(job: ImportJob, **how: Any) -> ImportJob:
    apply_review(job, user=None, **how)
    done = run_next()
    assert done.pk == job.pk
    assert done.state == ImportJob.State.COMPLETED, done.error_message
    return done


def agrees(done: ImportJob, announced: Outcome) -> bool:
    said = asdict(announced)
    return all(getattr(done, name) == said[name] for name in said if not name.startswith("missing"))


@pytest.mark.usefixtures("stock")
def test_price_that_moves_by_more_than_half_waits_for_a_person() -> None:
    before = catalog()
    job = waiting()

    assert [(risk["code"], risk["count"]) for risk in job.reviewed["risks"]] == [("price_moved", 1)]
    found = {name: job.reviewed[name] for name in ("new", "changed", "unchanged", "rejected")}
    assert found == {"new": 1, "changed": 2, "unchanged": 1, "rejected": 1}
    assert job.reviewed["duplicates"] == 1
    assert job.reviewed["fields"] == {"name": 1, "description": 0, "price": 1, "active": 0}
    assert catalog() == before
    assert ChangeSet.objects.count() == 1
    assert (job.lease_token, job.finished_at) == (None, None)


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("line", "how", "code"),
    [
        ("A-1,One,,10.00,", {"empty": "clear"}, "emptied"),
        ("A-1,One,Long text,,", {"empty": "clear"}, "emptied"),
        ("A-1,One,,10.00,no", {}, "deactivates"),
    ],
)
def test_values_that_are_lost_wait_for_a_person(line: str, how: dict[str, Any], code: str) -> None:
    job = waiting(csv_of(line), **how)
    assert [risk["code"] for risk in job.reviewed["risks"]] == [code]


@pytest.mark.usefixtures("stock")
def test_import_without_a_risk_does_not_wait() -> None:
    done = imported(csv_of("A-1,One,Long text,14.00,yes", "A-9,Nine,,,"), review="risks")
    assert done.state == ImportJob.State.COMPLETED


@pytest.mark.usefixtures("stock")
def test_whoever_wants_no_review_gets_none() -> None:
    assert completed(FILE, review="never").updated == 2


def test_whoever_always_wants_one_gets_it_without_a_risk() -> None:
    job = waiting(csv_of("A-1,One,,,"), review="always")
    assert (job.reviewed["risks"], job.reviewed["new"]) == ([], 1)
    assert not Product.objects.exists()


@pytest.mark.usefixtures("stock")
def test_what_the_review_said_is_what_is_written() -> None:
    job = waiting()
    announced = outcome(job)

    done = applied(job)

    assert agrees(done, announced)
    assert (done.created, done.updated, done.unchanged) == (1, 2, 1)
    assert done.read == 6 == done.rejected + done.duplicates + 4
    assert product("A-1").price == Decimal("16.00")
    assert product("A-2").name == "Zwei"
    assert product("A-5").name == "Five"
    assert staging_tables() == []


@pytest.mark.usefixtures("stock")
def test_row_that_is_left_out_stays_as_it_was() -> None:
    job = waiting()
    assert decide(job, lines=[2, 999], include=False) == 1
    announced = outcome(job)

    done = applied(job)

    assert agrees(done, announced)
    assert (done.updated, done.left_out) == (1, 1)
    assert product("A-1").price == Decimal("10.00")


@pytest.mark.usefixtures("stock")
def test_earlier_line_does_not_take_the_place_of_one_that_is_left_out() -> None:
    job = waiting()
    decide(job, lines=[6], include=False)

    done = applied(job)

    assert (done.created, done.left_out) == (0, 1)
    assert not Product.objects.filter(sku="A-5").exists()


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("name", "created", "updated"), [("new", 0, 2), ("changed", 1, 0), ("price_moved", 1, 1)]
)
def test_class_is_left_out_whole(name: str, created: int, updated: int) -> None:
    job = waiting()
    decide_class(job, name, include=False)
    job.refresh_from_db()
    announced = outcome(job)

    done = applied(job)

    assert agrees(done, announced)
    assert (done.created, done.updated, done.left_out) == (created, updated, 3 - created - updated)


@pytest.mark.usefixtures("stock")
def test_single_row_is_taken_though_its_class_is_left_out() -> None:
    job = waiting()
    decide_class(job, "changed", include=False)
    decide(job, lines=[3], include=True)

    done = applied(job)

    assert (done.updated, done.left_out) == (1, 1)
    assert (product("A-2").name, product("A-1").price) == ("Zwei", Decimal("10.00"))


@pytest.mark.usefixtures("stock")
def test_decision_about_a_class_forgets_those_about_its_rows() -> None:
    job = waiting()
    decide(job, lines=[2, 6], include=False)
    decide_class(job, "changed", include=True)

    assert list(Decision.objects.values_list("line", flat=True)) == [6]


@pytest.mark.usefixtures("stock")
def test_last_decision_about_a_row_stands() -> None:
    job = waiting()
    decide(job, lines=[2], include=False)
    decide(job, lines=[2], include=True)

    assert outcome(job).left_out == 0


def edit(sku: str, **values: Any) -> None:
    update(product(sku).pk, actor=None, source=ChangeSet.Source.FORM, **values)


@pytest.mark.usefixtures("stock")
def test_product_that_changed_since_the_review_is_not_overwritten() -> None:
    job = waiting()
    edit("A-1", price=Decimal("11.11"))
    announced = outcome(job)
    assert (announced.conflicts, announced.updated) == (1, 1)

    done = applied(job)

    assert agrees(done, announced)
    assert product("A-1").price == Decimal("11.11")


@pytest.mark.usefixtures("stock")
def test_product_that_changed_since_the_review_is_overwritten_if_that_is_asked_for() -> None:
    job = waiting()
    edit("A-1", price=Decimal("11.11"))

    done = applied(job, on_conflict="overwrite")

    assert (done.conflicts, done.updated) == (0, 2)
    assert product("A-1").price == Decimal("16.00")


@pytest.mark.usefixtures("stock")
def test_row_that_would_have_changed_nothing_conflicts_too() -> None:
    job = waiting()
    edit("A-3", name="Drei")

    done = applied(job)

    assert (done.conflicts, done.unchanged) == (1, 0)
    assert product("A-3").name == "Drei"


@pytest.mark.usefixtures("stock")
def test_product_that_came_or_went_since_the_review_conflicts() -> None:
    job = waiting()
    completed(csv_of("A-5,Somebody else's,,1.00,"))
    Product.objects.filter(sku="A-2").delete()

    done = applied(job)

    assert (done.conflicts, done.created, done.updated) == (2, 0, 1)
    assert product("A-5").name == "Somebody else's"
    assert not Product.objects.filter(sku__iexact="A-2").exists()


@pytest.mark.usefixtures("stock")
def test_conflicts_are_known_when_the_log_of_the_changes_is_forgotten() -> None:
    job = waiting(missing="deactivate")
    update(product("A-1").pk, source=ChangeSet.Source.FORM, actor=None, name="Edited")
    create(source=ChangeSet.Source.FORM, actor=None, sku="a-5", name="Came first")
    delete(product("A-4").pk, source=ChangeSet.Source.FORM, actor=None)
    logged = outcome(job)

    ProductChange.objects.all().delete()
    ChangeSet.objects.update(pruned_at=timezone.now())

    assert (logged.conflicts, logged.missing_conflicts) == (2, 1)
    assert outcome(job) == logged


@pytest.mark.usefixtures("stock")
def test_product_that_left_and_came_back_conflicts() -> None:
    job = waiting()
    delete(product("A-1").pk, source=ChangeSet.Source.FORM, actor=None)
    create(source=ChangeSet.Source.FORM, actor=None, sku="A-1", name="One")

    assert outcome(job).conflicts == 1


@pytest.mark.usefixtures("stock")
def test_missing_products_that_are_kept_can_not_be_decided_about() -> None:
    job = waiting(missing="keep")
    assert decide(job, products=[product("A-4").pk], include=False) == 0
    assert not Decision.objects.exists()


@pytest.mark.usefixtures("stock")
def test_missing_products_are_reviewed_with_the_rest() -> None:
    job = waiting(csv_of(OLD[0]), missing="delete")
    assert (job.reviewed["missing"], job.reviewed["catalog"]) == (3, 4)
    decide(job, products=[product("A-2").pk], include=False)
    edit("A-3", name="Drei")
    announced = outcome(job)
    assert (announced.deleted, announced.missing_left_out, announced.missing_conflicts) == (1, 1, 1)

    with pytest.raises(ReviewRefused, match="1 product would be deleted"):
        apply_review(job, user=None)
    done = applied(job, missing_agreed=1)

    assert done.deleted == 1
    assert [sku for sku, *_ in catalog()] == ["A-1", "A-2", "A-3"]


@pytest.mark.usefixtures("stock")
def test_product_that_came_after_the_review_is_not_missing() -> None:
    job = waiting(csv_of(*OLD[:3]), missing="delete", review="always")
    completed(csv_of("A-9,Nine,,,"))

    applied(job)

    assert [sku for sku, *_ in catalog()] == ["A-1", "A-2", "A-3", "A-9"]


@pytest.mark.usefixtures("stock")
def test_mode_holds_for_a_review_too() -> None:
    job = waiting(mode="update")
    assert (job.reviewed["new"], job.reviewed["skipped"]) == (0, 1)

    done = applied(job)

    assert (done.created, done.updated, done.skipped) == (0, 2, 1)


@pytest.mark.usefixtures("stock")
def test_many_missing_products_need_their_number() -> None:
    job = waiting(csv_of(OLD[0]), missing="deactivate")
    for wrong in (None, 2, 4):
        with pytest.raises(ReviewRefused) as refused:
            apply_review(job, user=None, missing_agreed=wrong)
        assert refused.value.code == "confirm"
        job.refresh_from_db()
        assert job.state == ImportJob.State.REVIEW
    assert applied(job, missing_agreed=3).deactivated == 3


@pytest.mark.usefixtures("stock")
def test_whoever_applies_is_whoever_changed_it(manager: User) -> None:
    job = waiting()
    apply_review(job, user=manager)
    done = run_next()
    assert done.change_set is not None
    assert done.change_set.actor == manager


@pytest.mark.usefixtures("stock")
def test_review_is_applied_once() -> None:
    job = waiting()
    applied(job)
    with pytest.raises(ReviewRefused) as refused:
        apply_review(job, user=None)
    assert refused.value.code == "wrong_state"
    with pytest.raises(ReviewRefused):
        decide(job, lines=[2], include=False)
    with pytest.raises(ReviewRefused):
        decide_class(job, "new", include=False)


@pytest.mark.usefixtures("stock")
def test_review_that_is_discarded_changes_nothing() -> None:
    before = catalog()
    job = waiting()

    assert request_cancel(job)
    reap_imports()

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert catalog() == before
    assert staging_tables() == []


@pytest.mark.usefixtures("stock")
def test_tables_of_a_review_outlive_the_reaper() -> None:
    job = waiting()
    reap_imports()
    assert applied(job).updated == 2


@pytest.mark.usefixtures("stock")
def test_review_that_nobody_looks_at_ends(settings: Settings) -> None:
    job = waiting()
    settings.REVIEW_DAYS = 3
    ImportJob.objects.update(waits_since=timezone.now() - timedelta(days=4))

    reap_imports()

    job.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED


def restart_of_the_database(job: ImportJob) -> None:
    """What PostgreSQL does to unlogged tables when it was killed."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {job.staging}, {job.staging}_r, {job.staging}_m")


@pytest.mark.usefixtures("stock")
def test_review_whose_tables_are_empty_is_not_applied() -> None:
    job = waiting(missing="deactivate")
    restart_of_the_database(job)
    with pytest.raises(ReviewRefused) as refused:
        apply_review(job, user=None)
    assert refused.value.code == "gone"


@pytest.mark.usefixtures("stock")
def test_database_that_restarts_once_it_was_applied_asks_again() -> None:
    job = waiting(missing="deactivate")
    decide(job, lines=[2], include=False)
    apply_review(job, user=None, missing_agreed=outcome(job).deactivated)
    restart_of_the_database(job)

    again = run_next()

    assert again.state == ImportJob.State.REVIEW
    assert again.reviewed["risks"][0]["code"] == "rebuilt"
    assert outcome(again).left_out == 1
    assert applied(again, missing_agreed=outcome(again).deactivated).left_out == 1


@pytest.mark.usefixtures("stock")
def test_review_judges_as_the_merge_does() -> None:
    content = FILE.replace("no", "yes")
    job = waiting(content, empty="clear", review="always")
    said = outcome(job)
    request_cancel(job)

    done = completed(content, empty="clear")

    assert (done.created, done.updated, done.unchanged) == (
        said.created,
        said.updated,
        said.unchanged,
    )
