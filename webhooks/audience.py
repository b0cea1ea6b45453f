"""Who is told of a change set, and in which form."""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from catalog.models import ChangeSet
from webhooks.bodies import change_counts
from webhooks.models import Endpoint, EventType

#: Above so many products `each` asks for a rate that sends them within an hour, or gets batches.
EACH_MAX: Final = 10_000

#: Endpoint ids by type of event.
ByType = dict[str, list[int]]


@dataclass(frozen=True)
class Audience:
    """Endpoint ids by form and type of event; `completed` get the end of the import.

    Kept as JSON while a change set is published, so that all of it goes to the same endpoints in
    the same form.
    """

    each: ByType = field(default_factory=dict)
    batch: ByType = field(default_factory=dict)
    summary: ByType = field(default_factory=dict)
    completed: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.each or self.batch or self.summary or self.completed)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(**value)


def falls_back(endpoint: Endpoint, products: int) -> bool:
    """Whether so many products reach an endpoint in batches that wants them one by one."""
    return products > EACH_MAX and endpoint.rate_per_hour < products


def audience_of(change_set: ChangeSet, *, is_import: bool) -> Audience:
    """The endpoints that are to hear of a change set, as they are set now.

    A paused endpoint belongs to them, its deliveries wait; a disabled one does not. An import
    reaches endpoints that want a summary by its `import.completed` alone.
    """
    counts = {kind: count for kind, count in change_counts(change_set).items() if count}
    total = sum(counts.values())
    forms: dict[str, defaultdict[str, list[int]]] = {
        form: defaultdict(list) for form in ("each", "batch", "summary")
    }
    completed = []
    endpoints = Endpoint.objects.filter(
        state__in=(Endpoint.State.ACTIVE, Endpoint.State.PAUSED), since_change_set__lt=change_set.pk
    ).only("event_types", "bulk", "rate_per_hour")
    for endpoint in endpoints:
        kinds = [kind for kind in counts if kind in endpoint.event_types]
        summarised = endpoint.bulk == Endpoint.Bulk.SUMMARY and total > 1
        if is_import and (
            EventType.IMPORT_COMPLETED in endpoint.event_types or (summarised and kinds)
        ):
            completed.append(endpoint.pk)
        if summarised and is_import:
            continue
        form = "each" if total == 1 else endpoint.bulk
        if form == Endpoint.Bulk.EACH and falls_back(endpoint, total):
            form = Endpoint.Bulk.BATCH
        for kind in kinds:
            forms[form][kind].append(endpoint.pk)
    return Audience(**{form: dict(found) for form, found in forms.items()}, completed=completed)
