"""Whatever is decided and whoever edits meanwhile: what a review said is what is written."""

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import products
from catalog.models import ChangeSet, Product
from imports.models import ImportJob
from imports.reviews.outcome import outcome
from imports.reviews.reviewing import apply_review, decide, decide_class
from imports.tests.importing import csv_of, imported, run_next
from tests.oracle import Row
from tests.test_oracle_property import catalog_of_the_database, empty_the_catalog

SKUS = ("A", "B", "C", "D", "E", "F")
FORM: dict[str, Any] = {"source": ChangeSet.Source.FORM, "actor": None}

prices = st.sampled_from([None, Decimal("1.00"), Decimal("1.20"), Decimal("9.00")])
rows = st.builds(
    Row,
    sku=st.sampled_from(SKUS),
    name=st.sampled_from(["One", "Two"]),
    description=st.sampled_from(["", "Text"]),
    price=prices,
    active=st.booleans(),
)


@dataclass(frozen=True)
class Story:
    """A catalog, a file, its options, what is left out, what others do before it is applied."""

    catalog: list[Row]
    lines: list[Row]
    mode: str
    missing: str
    clears: bool
    left_out: frozenset[int]
    classes: frozenset[str]
    edits: frozenset[str]
    overwrites: bool


stories = st.builds(
    Story,
    catalog=st.lists(rows, max_size=5, unique_by=lambda row: row.sku),
    lines=st.lists(rows, min_size=1, max_size=6),
    mode=st.sampled_from(["both", "create", "update"]),
    missing=st.sampled_from(["keep", "deactivate", "delete"]),
    clears=st.booleans(),
    left_out=st.frozensets(st.integers(0, 6), max_size=3),
    classes=st.frozensets(st.sampled_from(["new", "changed", "missing"]), max_size=1),
    edits=st.frozensets(st.sampled_from(SKUS), max_size=2),
    overwrites=st.booleans(),
)


def merged(line: Row, old: Row | None, *, clears: bool) -> Row:
    """What a line makes of a product: empty cells keep its values, or clear them."""
    kept = Row(line.sku, line.name, "", None, True) if old is None or clears else old
    return Row(
        sku=line.sku,
        name=line.name,
        description=line.description or kept.description,
        price=kept.price if line.price is None else line.price,
        active=line.active,
    )


def reference(story: Story, seen: dict[str, Row], now: dict[str, Row]) -> dict[str, Row]:
    """The catalog afterwards, by the text of the rules; `seen` is the catalog of the review."""
    after = dict(now)
    last = {line.sku: (number, line) for number, line in enumerate(story.lines)}
    for sku, (number, line) in last.items():
        old = seen.get(sku)
        new = merged(line, old, clears=story.clears)
        does = "new" if old is None else "unchanged" if new == old else "changed"
        if (does, story.mode) in {("new", "update"), ("changed", "create")}:
            does = "skipped"
        if does in ("new", "changed") and (number in story.left_out or does in story.classes):
            continue
        conflicts = sku in story.edits
        if (conflicts and not story.overwrites) or (does == "skipped" and not conflicts):
            continue
        exists = sku in now
        if (exists and story.mode == "create") or (not exists and story.mode == "update"):
            continue
        after[sku] = merged(line, now.get(sku), clears=story.clears)
    for sku in seen.keys() - last.keys():
        if story.missing == "keep" or "missing" in story.classes or sku not in now:
            continue
        if (sku in story.edits and not story.overwrites) or (
            story.missing == "deactivate" and not seen[sku].active
        ):
            continue
        if story.missing == "delete":
            del after[sku]
        else:
            after[sku] = replace(after[sku], active=False)
    return after


def edit(sku: str) -> None:
    """Somebody else is at it: a product that is not there comes, another one changes or goes."""
    found = Product.objects.filter(sku=sku).first()
    if found is None:
        products.create(sku=sku, name="Came", **FORM)
    elif found.price is None:
        products.delete(found.pk, **FORM)
    else:
        products.update(found.pk, name="Changed", **FORM)


def by_sku() -> dict[str, Row]:
    return {row.sku: row for row in catalog_of_the_database().values()}


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stories)
def test_what_the_review_said_is_what_is_written(story: Story) -> None:
    empty_the_catalog()
    Product.objects.bulk_create(Product(**asdict(row)) for row in story.catalog)
    content = csv_of(
        *(
            f"{row.sku},{row.name},{row.description},{row.price or ''},{row.active}"
            for row in story.lines
        )
    )
    job = imported(
        content,
        mode=story.mode,
        missing=story.missing,
        empty="clear" if story.clears else "keep",
        review="always",
    )
    assert job.state == ImportJob.State.REVIEW
    for name in story.classes:
        decide_class(job, name, include=False)
    decide(job, lines=[number + 2 for number in story.left_out], include=False)
    job.refresh_from_db()
    seen = by_sku()
    for sku in story.edits:
        edit(sku)
    now = by_sku()
    said = outcome(job)

    apply_review(
        job,
        user=None,
        missing_agreed=said.deactivated + said.deleted,
        on_conflict="overwrite" if story.overwrites else "leave",
    )
    done = run_next()

    assert done.state == ImportJob.State.COMPLETED
    assert by_sku() == reference(story, seen, now)
    if not story.overwrites or not (said.conflicts or said.missing_conflicts):
        written = {name: getattr(done, name) for name in asdict(said) if "missing" not in name}
        assert written == {name: asdict(said)[name] for name in written}
    changes = done.created + done.updated + done.deactivated + done.deleted
    assert (done.change_set is None) == (changes == 0)
