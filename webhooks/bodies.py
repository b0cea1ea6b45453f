"""What is sent: JSON as text, made once and kept, so that every try sends the same bytes.

The shapes are a public contract, described in docs/webhooks.md.
"""

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from catalog import standing
from catalog.models import ChangeSet, ProductChange
from catalog.rules import FIELDS
from imports.models import ImportJob
from webhooks.models import BATCH, TEST, EventType

Kind = ProductChange.Kind

TYPES: Final = {
    Kind.CREATED: EventType.PRODUCT_CREATED,
    Kind.UPDATED: EventType.PRODUCT_UPDATED,
    Kind.DELETED: EventType.PRODUCT_DELETED,
}
BATCH_PRODUCTS: Final = 1000
BATCH_BYTES: Final = 256 * 1024
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
TIMES: Final = ("created_at", "updated_at")


@dataclass(frozen=True)
class Part:
    """One product's part in a change set."""

    product_id: int
    kind: str
    before: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """A product as a body shows it: its type of event, its SKU, its JSON as text."""

    type: str
    sku: str
    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode())


@dataclass(frozen=True)
class Batch:
    """Products of one type of event that go into one body."""

    type: str
    products: list[Shown]


def as_json(value: Any) -> str:
    """Compact JSON; what Python cannot write is a mistake of ours."""
    return _compact.encode(value)


@lru_cache(maxsize=256)
def moment(at: datetime.datetime) -> str:
    """A point in time as bodies write it: UTC, milliseconds. All rows of an import share one."""
    text = at.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def show(change_set: ChangeSet, parts: Sequence[Part]) -> list[Shown]:
    """The products as the change set left them, those that it deleted as they were before.

    A product that nothing is known of any more is left out: its values were pruned.
    """
    ids = [part.product_id for part in parts]
    present = standing.rows(ids)
    replaced = standing.replaced_since(change_set.pk, ids)
    shown = []
    for part in parts:
        later = replaced.get(part.product_id, {})
        if part.kind == Kind.DELETED:
            values = part.before
        else:
            values = {**present.get(part.product_id, {}), **later}
            if later:
                values["updated_at"] = change_set.created_at
        if all(name in values for name in (*FIELDS, *TIMES)):
            shown.append(_shown(change_set, part, values))
    return shown


def _shown(change_set: ChangeSet, part: Part, values: dict[str, Any]) -> Shown:
    product = {
        "id": part.product_id,
        **{name: values[name] for name in FIELDS},
        **{name: _moment(values[name]) for name in TIMES},
    }
    if part.kind == Kind.UPDATED:
        product["changed"] = [name for name in FIELDS if name in part.before]
    product["change_set"] = change_set.pk
    return Shown(TYPES[Kind(part.kind)], product["sku"], as_json(product))


def _moment(value: datetime.datetime | str) -> str:
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    return moment(value)


def single(change_set: ChangeSet, product: Shown) -> str:
    """One event of one product."""
    return _body(product.type, change_set.created_at, product.text)


def batches(products: Sequence[Shown]) -> Iterator[Batch]:
    """Cut products into batches of one type each, of BATCH_PRODUCTS and BATCH_BYTES at most.

    A product that is larger than that by itself is a batch of one.
    """
    for kind in TYPES.values():
        batch: list[Shown] = []
        size = 0
        for product in products:
            if product.type != kind:
                continue
            # The products' own bytes and a comma each; what stands around them is some 200 more.
            if batch and (len(batch) == BATCH_PRODUCTS or size + product.size > BATCH_BYTES - 512):
                yield Batch(kind, batch)
                batch, size = [], 0
            batch.append(product)
            size += product.size + 1
        if batch:
            yield Batch(kind, batch)


def batch_body(change_set: ChangeSet, batch: Batch, *, import_id: int | None) -> str:
    """Many products in one event."""
    head = _batch_head(change_set, batch.type, len(batch.products), import_id)
    products = ",".join(product.text for product in batch.products)
    return _body(BATCH, change_set.created_at, f'{as_json(head)[:-1]},"products":[{products}]}}')


def summary_body(
    change_set: ChangeSet,
    event_type: str,
    count: int,
    *,
    import_id: int | None,
    url: str,
    changes_url: str,
) -> str:
    """How many products a change set touched, and where people and programs read which."""
    head = _batch_head(change_set, event_type, count, import_id)
    body = {**head, "url": url, "changes_url": changes_url}
    return _body(BATCH, change_set.created_at, as_json(body))


def import_body(event_type: str, job: ImportJob, *, url: str, changes_url: str | None) -> str:
    """The end of an import with its counts, or with the reason for which it failed."""
    at = job.finished_at or job.created_at
    data: dict[str, Any] = {
        "import": job.pk,
        "file": job.file_name,
        "change_set": job.change_set_id,
        "read": job.read,
        "created": job.created,
        "updated": job.updated,
        "unchanged": job.unchanged,
        "duplicates": job.duplicates,
        "rejected": job.rejected,
        "url": url,
        "changes_url": changes_url,
    }
    if event_type == EventType.IMPORT_FAILED:
        data["error"] = {"code": job.error_code, "message": job.error_message}
    return _body(event_type, at, as_json(data))


def trial_body(at: datetime.datetime, payload: Any = None) -> str:
    """What the test button sends; `payload` takes the place of its data."""
    if payload is None:
        payload = {"message": "This is a test. Nothing has changed."}
    return _body(TEST, at, as_json(payload))


def change_counts(change_set: ChangeSet) -> dict[str, int]:
    """Products by type of event."""
    return {
        EventType.PRODUCT_CREATED: change_set.created,
        EventType.PRODUCT_UPDATED: change_set.updated,
        EventType.PRODUCT_DELETED: change_set.deleted,
    }


def _batch_head(
    change_set: ChangeSet, event_type: str, count: int, import_id: int | None
) -> dict[str, Any]:
    return {
        "event": event_type,
        "change_set": change_set.pk,
        "import": import_id,
        "count": count,
    }


def _body(event_type: str, at: datetime.datetime, data: str) -> str:
    return f'{{"type":"{event_type}","timestamp":"{moment(at)}","data":{data}}}'
