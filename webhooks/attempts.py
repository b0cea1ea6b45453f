"""An endpoint's attempts as programs read them: newest first, from any of them on."""

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from webhooks.events import Octets
from webhooks.models import Attempt, Endpoint

#: Bodies on one page: a log of batches is read in pages of fewer attempts.
PAGE_BYTES: Final = 8 * 1024**2


@dataclass(frozen=True)
class AttemptPage:
    """Attempts with their deliveries and events; `more` says whether older ones follow."""

    rows: list[Attempt] = field(default_factory=list)
    more: bool = False


def page_of(endpoint: Endpoint, *, limit: int, before: int | None = None) -> AttemptPage:
    """Up to `limit` attempts that were written down before an attempt's id, or the newest.

    A page ends earlier when the bodies on it are more than PAGE_BYTES, and has one at least.
    """
    found = Attempt.objects.filter(delivery__endpoint=endpoint).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    ids = list(found.values_list("pk", flat=True)[: limit + 1])
    newest_first = Attempt.objects.filter(pk__in=ids[:limit]).order_by("-pk")
    sizes = newest_first.values_list(Octets("delivery__event__body"), flat=True)
    fitting = sum(1 for size in accumulate(sizes) if size <= PAGE_BYTES)
    chosen = ids[: max(1, fitting)]
    rows = newest_first.filter(pk__in=chosen).select_related("delivery__event")
    return AttemptPage(rows=list(rows), more=len(chosen) < len(ids))
