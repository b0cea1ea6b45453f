"""What tests of this app share: endpoints, products, and a way to publish and to send."""

import json
from typing import Any, Final

from catalog import products
from catalog.models import ChangeSet, Product
from webhooks import deliveries, endpoints, events
from webhooks.models import Endpoint, Event, EventType

PRODUCT_EVENTS: Final = [
    EventType.PRODUCT_CREATED,
    EventType.PRODUCT_UPDATED,
    EventType.PRODUCT_DELETED,
]


def endpoint(url: str = "https://shop.example.com/hook", **values: Any) -> Endpoint:
    """An endpoint for the three events of products, in batches, unless told otherwise."""
    return endpoints.create(actor=None, **{"url": url, "event_types": PRODUCT_EVENTS, **values})


def created(sku: str, **values: Any) -> Product:
    """A product, made as the form makes it."""
    return products.create(
        source=ChangeSet.Source.FORM, actor=None, **{"sku": sku, "name": f"Name of {sku}", **values}
    )


def published() -> list[dict[str, Any]]:
    """Publish what waits; the bodies of all events, the oldest first."""
    events.publish_pending(seconds=30)
    return [
        json.loads(body) for body in Event.objects.order_by("pk").values_list("body", flat=True)
    ]


def sent() -> int:
    """Send what is due, lane by lane; returns the number of turns."""
    turns = 0
    while deliveries.drain(slow=False) or deliveries.drain(slow=True):
        turns += 1
    return turns
