"""Change sets become events with frozen bodies, and a delivery for each endpoint that subscribes.

One publisher works at a time, change set by change set in the order of their ids, a page in a
transaction. A kill loses the page that was being written and nothing else: the next publisher
goes on behind the last that was committed, so nothing is published twice.
"""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max, Min, Sum
from django.db.models.functions import Cast, Coalesce, Least
from django.urls import reverse

from catalog.models import ChangeSet, Product, ProductChange
from core.advisory import only_one
from core.endings import told_to_end
from core.leases import ClockTimestamp
from core.logs import log_ids
from core.lookups import AnyOf
from imports.models import ImportJob
from webhooks import bodies
from webhooks.audience import Audience, audience_of
from webhooks.bodies import TYPES, Kind, Part
from webhooks.models import BATCH, Delivery, Endpoint, Event, EventType, Lane, Publication
from webhooks.wakeups import wake_drains

logger = logging.getLogger(__name__)

PUBLISH_LOCK = 0x7075626C  # "publ"
#: Products that are read at once: several batches, so that few of them are cut short.
PAGE: Final = 4000
PAGE_BYTES: Final = 16 * 1024**2
#: Deliveries of one page at most, where many endpoints hear of each product by itself.
PAGE_DELIVERIES: Final = 50_000
ROWS_AT_ONCE: Final = 5000
LISTENING: Final = (Endpoint.State.ACTIVE, Endpoint.State.PAUSED)


class Octets(models.Func):
    """Bytes of a text, which PostgreSQL knows without reading it."""

    function = "OCTET_LENGTH"
    output_field = models.BigIntegerField()


@dataclass(frozen=True)
class Told:
    """An event and the ids of the endpoints that are told of it."""

    event: Event
    endpoints: list[int]


def somebody_listens() -> bool:
    """Whether any endpoint is to hear of what happens now."""
    return Endpoint.objects.filter(state__in=LISTENING).exists()


def mark_published(change_sets: models.QuerySet[ChangeSet]) -> None:
    """Say that nothing more is to be made of them."""
    change_sets.update(published_at=ClockTimestamp())


def publish_pending(*, seconds: float) -> bool:
    """Publish the change sets that wait, the oldest first, for about so long.

    Returns whether some are left; False also while another publisher is at work.
    """
    began = time.monotonic()
    while publish_page():
        if told_to_end() or time.monotonic() - began > seconds:
            return True
    return False


def publish_page() -> bool:
    """Publish the next page, in a transaction; False when nothing waits or another is at it."""
    with only_one(PUBLISH_LOCK) as alone:
        if not alone:
            return False
        publication = _next_publication()
        if publication is None:
            return False
        _write_page(publication)
        return True


def announce_import(job: ImportJob) -> None:
    """Tell of an import that changed nothing, in the transaction that ends it.

    One that has a change set is told of behind its products, when that is published.
    """
    completed = job.state == ImportJob.State.COMPLETED
    event_type = EventType.IMPORT_COMPLETED if completed else EventType.IMPORT_FAILED
    endpoints = Endpoint.objects.filter(state__in=LISTENING, event_types__contains=[event_type])
    told = list(endpoints.values_list("pk", flat=True))
    if told:
        tell([Told(_import_event(event_type, job), told)])


def tell(told: Sequence[Told]) -> None:
    """Write events and their deliveries in the caller's transaction, and wake who sends them.

    An endpoint that was deleted since its part was settled is passed over: its row may be gone.
    """
    named = {endpoint for each in told for endpoint in each.endpoints}
    known = Endpoint.objects.filter(pk__in=named).exclude(state=Endpoint.State.DELETED)
    present = set(known.values_list("pk", flat=True))
    Event.objects.bulk_create([each.event for each in told], batch_size=ROWS_AT_ONCE)
    Delivery.objects.bulk_create(
        [
            Delivery(event=each.event, endpoint_id=endpoint)
            for each in told
            for endpoint in each.endpoints
            if endpoint in present
        ],
        batch_size=ROWS_AT_ONCE,
    )
    make_due(present)


def make_due(endpoints: Collection[int]) -> None:
    """Have lanes looked at now, because deliveries were added in the caller's transaction.

    Locked in one order, since others do the same; and a lane's holder that is about to let go
    waits here, and then sees the deliveries.
    """
    lanes = Lane.objects.filter(pk__in=endpoints)
    locked = list(lanes.select_for_update().order_by("pk").values_list("pk", flat=True))
    now = ClockTimestamp()
    Lane.objects.filter(pk__in=locked).update(due_at=Least(Coalesce("due_at", now), now))
    transaction.on_commit(wake_drains)


def _next_publication() -> Publication | None:
    """Where the oldest unpublished change set stands; those that nobody hears are marked."""
    while True:
        unpublished = ChangeSet.objects.filter(published_at__isnull=True)
        seen = unpublished.aggregate(oldest=Min("pk"), newest=Max("pk"))
        if seen["oldest"] is None:
            return None
        change_set = ChangeSet.objects.get(pk=seen["oldest"])
        publication = Publication.objects.filter(change_set=change_set).first()
        if publication is not None:
            publication.change_set = change_set
            return publication
        heard = Endpoint.objects.filter(state__in=LISTENING).aggregate(
            first=Min("since_change_set")
        )["first"]
        if heard is None or heard >= change_set.pk:
            # No further than was seen before the endpoints were asked: one may be new.
            mark_published(unpublished.filter(pk__lte=heard or seen["newest"]))
            continue
        audience = audience_of(change_set, is_import=_import_of(change_set) is not None)
        if audience.is_empty:
            mark_published(unpublished.filter(pk=change_set.pk))
            continue
        return _begin(change_set, audience)


def _begin(change_set: ChangeSet, audience: Audience) -> Publication:
    publication = Publication(change_set=change_set, audience=audience.as_json())
    if change_set.first_created_id is None or not _wanted(audience, Kind.CREATED):
        publication.changes = True
    else:
        publication.cursor = change_set.first_created_id - 1
    return publication


def _wanted(audience: Audience, kind: Kind) -> bool:
    """Whether somebody is told which products those are."""
    return TYPES[kind] in audience.each or TYPES[kind] in audience.batch


def _write_page(publication: Publication) -> None:
    """Write the next events of a change set, or its last ones, and move the cursor behind them."""
    change_set = publication.change_set
    audience = Audience.from_json(publication.audience)
    job = _import_of(change_set)
    parts = _next_parts(publication, audience, most=_page_size(audience))
    told = _product_events(change_set, audience, parts, import_id=job.pk if job else None)
    if parts:
        publication.cursor = parts[-1].product_id
    if not publication.changes and publication.cursor == change_set.last_created_id:
        publication.changes, publication.cursor = True, 0
    ended = publication.changes and not _next_parts(publication, audience, most=1)
    if ended:
        told += _last_events(change_set, audience, job)
    for number, each in enumerate(told, start=publication.sequence + 1):
        each.event.change_set, each.event.sequence = change_set, number
    publication.sequence += len(told)
    tell(told)
    with log_ids(change_set_id=change_set.pk):
        logger.info("page published: events=%d last=%s", len(told), ended)
    if ended:
        Publication.objects.filter(pk=change_set.pk).delete()
        mark_published(ChangeSet.objects.filter(pk=change_set.pk))
    else:
        publication.save()


def _page_size(audience: Audience) -> int:
    listeners = max((len(endpoints) for endpoints in audience.each.values()), default=0)
    return max(1, min(PAGE, PAGE_DELIVERIES // max(1, listeners)))


def _next_parts(publication: Publication, audience: Audience, *, most: int) -> list[Part]:
    """The products behind the cursor, as many as fit in memory by their bytes."""
    change_set = publication.change_set
    if not publication.changes:
        last = min(change_set.last_created_id or 0, publication.cursor + most)
        ids = list(range(publication.cursor + 1, last + 1))
    else:
        changes = ProductChange.objects.filter(
            change_set=change_set,
            product_id__gt=publication.cursor,
            kind__in=[kind for kind in Kind if _wanted(audience, kind)],
        )
        ids = list(changes.order_by("product_id").values_list("product_id", flat=True)[:most])
    while len(ids) > 1 and _bytes_of(change_set, ids) > PAGE_BYTES:
        ids = ids[: len(ids) // 2]
    if not publication.changes:
        return [Part(product_id, Kind.CREATED) for product_id in ids]
    rows = changes.filter(AnyOf(F("product_id"), ids)).order_by("product_id")
    return [
        Part(product_id, kind, before or {})
        for product_id, kind, before in rows.values_list("product_id", "kind", "before")
    ]


def _bytes_of(change_set: ChangeSet, ids: Sequence[int]) -> int:
    total = 0
    for rows, text in (
        (Product.objects.filter(AnyOf(F("pk"), ids)), Octets("description")),
        (
            # The later ones too: of a product that is gone they hold all there is.
            ProductChange.objects.filter(AnyOf(F("product_id"), ids), change_set__gte=change_set),
            Octets(Cast("before", models.TextField())),
        ),
    ):
        total += rows.aggregate(total=Sum(text))["total"] or 0
    return total


def _product_events(
    change_set: ChangeSet, audience: Audience, parts: Sequence[Part], *, import_id: int | None
) -> list[Told]:
    shown = bodies.show(change_set, parts)
    told = [
        Told(
            Event(
                type=product.type,
                count=1,
                subject=product.sku,
                body=bodies.single(change_set, product),
            ),
            audience.each[product.type],
        )
        for product in shown
        if product.type in audience.each
    ]
    for batch in bodies.batches([each for each in shown if each.type in audience.batch]):
        body = bodies.batch_body(change_set, batch, import_id=import_id)
        event = Event(type=BATCH, about=batch.type, count=len(batch.products), body=body)
        told.append(Told(event, audience.batch[batch.type]))
    return told


def _last_events(change_set: ChangeSet, audience: Audience, job: ImportJob | None) -> list[Told]:
    """What is told once for a whole change set, behind its products."""
    told = []
    counts = bodies.change_counts(change_set)
    url = _address("catalog:change_set", change_set.pk)
    changes_url = _changes_address(change_set.pk)
    for event_type, endpoints in audience.summary.items():
        count = counts[event_type]
        body = bodies.summary_body(
            change_set,
            event_type,
            count,
            import_id=job.pk if job else None,
            url=url,
            changes_url=changes_url,
        )
        told.append(Told(Event(type=BATCH, about=event_type, count=count, body=body), endpoints))
    if job is not None and audience.completed:
        told.append(Told(_import_event(EventType.IMPORT_COMPLETED, job), audience.completed))
    return told


def _import_of(change_set: ChangeSet) -> ImportJob | None:
    if change_set.source != ChangeSet.Source.IMPORT:
        return None
    return ImportJob.objects.filter(change_set=change_set).defer("detected").first()


def _import_event(event_type: EventType, job: ImportJob) -> Event:
    changes = None if job.change_set_id is None else _changes_address(job.change_set_id)
    body = bodies.import_body(
        event_type, job, url=_address("imports:detail", job.pk), changes_url=changes
    )
    return Event(type=event_type, subject=job.file_name[:255], body=body)


def _address(name: str, *arguments: Any) -> str:
    """A page's URL for somebody else's eyes; only a path as long as PUBLIC_URL is not set."""
    return settings.PUBLIC_URL + reverse(name, args=arguments)


def _changes_address(change_set: int) -> str:
    """Where programs read what a change set changed."""
    return f"{settings.PUBLIC_URL}/api/changesets/{change_set}/changes"
