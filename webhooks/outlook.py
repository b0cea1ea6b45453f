"""What the endpoints will be sent by a deletion that somebody is being asked about."""

from dataclasses import dataclass, field

from webhooks.audience import falls_back
from webhooks.events import LISTENING
from webhooks.lanes import BURST
from webhooks.models import Endpoint, EventType


@dataclass(frozen=True)
class Outlook:
    """Endpoints that hear of a deletion, by the form in which they do.

    `fallen_back` of those in batches want products one by one, which their rate does not allow.
    `slowest` takes the longest of those that get them one by one: `seconds`.
    """

    batch: int = 0
    summary: int = 0
    each: int = 0
    fallen_back: int = 0
    slowest: Endpoint | None = field(default=None)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.batch + self.summary + self.each

    @property
    def in_words(self) -> str:
        """2 in batches, 1 one by one, which at its 1,000 an hour takes about 8 hours."""
        parts = []
        if self.batch:
            parts.append(f"{self.batch:,} in batches")
            if self.fallen_back:
                parts[-1] += f" ({self.fallen_back:,} for want of a higher rate)"
        if self.summary:
            parts.append(f"{self.summary:,} as a summary")
        if self.each:
            parts.append(f"{self.each:,} one by one")
            if self.slowest is not None:
                which = "which" if self.each == 1 else "the slowest of which"
                rate = f"{self.slowest.rate_per_hour:,} an hour"
                parts[-1] += f", {which} at its {rate} takes {_long(self.seconds)}"
        return ", ".join(parts)


def _long(seconds: float) -> str:
    """About how long, in days from two of them on."""
    if seconds >= 2 * 24 * 3600:
        return f"about {seconds / (24 * 3600):,.0f} days"
    if seconds >= 3600:
        hours = round(seconds / 3600)
        return f"about {hours} hour{'' if hours == 1 else 's'}"
    minutes = max(1, round(seconds / 60))
    return f"about {minutes} minute{'' if minutes == 1 else 's'}"


def deletion(products: int) -> Outlook:
    """Of so many products at once, as endpoints are set now."""
    counts = dict.fromkeys(Endpoint.Bulk.values, 0)
    fallen_back = 0
    slowest, seconds = None, 0.0
    listening = Endpoint.objects.filter(
        state__in=LISTENING, event_types__contains=[EventType.PRODUCT_DELETED]
    ).only("bulk", "rate_per_hour")
    for endpoint in listening:
        form = endpoint.bulk if products > 1 else Endpoint.Bulk.EACH
        if form == Endpoint.Bulk.EACH and falls_back(endpoint, products):
            form = Endpoint.Bulk.BATCH
            fallen_back += 1
        counts[form] += 1
        if form == Endpoint.Bulk.EACH:
            burst = min(BURST, endpoint.rate_per_hour)
            takes = max(0, products - burst) * 3600 / endpoint.rate_per_hour
            if takes > seconds:
                slowest, seconds = endpoint, takes
    return Outlook(**counts, fallen_back=fallen_back, slowest=slowest, seconds=seconds)
