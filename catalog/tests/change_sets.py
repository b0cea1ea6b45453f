"""Change sets for the tests of the pages that tell of them, and how those pages read."""

import re
from html import unescape
from typing import Any, cast

from django.apps import apps
from django.http import HttpResponse

from accounts.models import User
from catalog import operations, products
from catalog.models import ChangeSet, Product, ProductChange

PAGE = "/activity/"
HTMX = {"HX-Request": "true"}
FORM, ADMIN, API = ChangeSet.Source.FORM, ChangeSet.Source.ADMIN, ChangeSet.Source.API


def text_of(response: object) -> str:
    """The words of an answer, without its tags."""
    html = cast("HttpResponse", response).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split()).replace(" ,", ",")


def html_of(response: object) -> str:
    return cast("HttpResponse", response).content.decode()


def made(sku: str = "A-1", name: str = "One", actor: User | None = None, **values: Any) -> Product:
    return products.create(source=FORM, actor=actor, sku=sku, name=name, **values)


def edited(product: Product, actor: User | None = None, source: str = FORM, **values: Any) -> None:
    products.update(product.pk, source=source, actor=actor, **values)


def newest() -> ChangeSet:
    return ChangeSet.objects.latest("id")


def imported(
    *names: str, file: str = "a.csv", actor: User | None = None, updated: int = 0
) -> ChangeSet:
    rows = Product.objects.bulk_create([Product(sku=name, name=f"Name {name}") for name in names])
    change_set = ChangeSet.objects.create(
        source=ChangeSet.Source.IMPORT,
        actor=actor,
        created=len(rows),
        updated=updated,
        first_created_id=rows[0].pk if rows else None,
        last_created_id=rows[-1].pk if rows else None,
    )
    apps.get_model("imports", "ImportJob").objects.create(
        file_name=file,
        state="completed",
        change_set=change_set,
        created=len(rows),
        read=len(rows),
        phases={"read": 0.1, "merge": 0.1},
    )
    return change_set


def undone(change_set: ChangeSet, actor: User | None = None) -> ChangeSet:
    operation = operations.start_undo(change_set, actor=actor)
    assert operation.change_set is not None
    return operation.change_set


def mixed() -> tuple[ChangeSet, list[int]]:
    """Five updates, five creations of which one is gone: a change set as an import leaves it."""
    old = [made(f"OLD-{at}", "Old") for at in range(5)]
    change_set = imported(*(f"NEW-{at}" for at in range(5)), updated=5)
    ProductChange.objects.bulk_create(
        ProductChange(
            change_set=change_set, product_id=each.pk, sku=each.sku, kind="u", before={"name": "X"}
        )
        for each in old
    )
    new = list(Product.objects.filter(sku__startswith="NEW").order_by("id"))
    products.delete(new[3].pk, source=FORM, actor=None)
    return change_set, [each.pk for each in [*old, *new]]
