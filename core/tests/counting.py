"""What metrics tell, for tests of whoever counts."""

from collections.abc import Iterable

from core.metrics import PREFIX, Counter, Histogram, flush, stored


def told(kept: Iterable[Counter | Histogram]) -> dict[str, float]:
    """Every sample but the buckets, by its name and the values of its labels."""
    flush()
    kept = list(kept)
    found = stored([each.name for each in kept])
    assert found is not None
    return {
        " ".join([sample.name.removeprefix(PREFIX), *sample.labels.values()]): sample.value
        for each, values in zip(kept, found, strict=True)
        for sample in each.family(values).samples
        if "le" not in sample.labels
    }
