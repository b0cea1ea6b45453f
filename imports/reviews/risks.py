"""What a person should look at before an import is applied, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from imports.missing import is_many
from imports.models import ImportJob

#: What a risk counts; the others' messages are whole sentences.
_COUNTED: Final = {
    "missing": "product",
    "unreadable_sku": "row",
    "deactivates": "product",
    "price_moved": "price",
    "emptied": "product",
    "guessed": "column",
}


def risks(job: ImportJob, found: Mapping[str, int]) -> list[dict[str, Any]]:
    """What a person should look at before it is applied, the gravest first.

    `found` has counts: missing, catalog, unreadable, deactivates, emptied, price_moved.
    """
    percent = settings.RISK_CATALOG_PERCENT
    listed = []

    def risk(code: str, count: int, one: str, many: str) -> None:
        listed.append({"code": code, "count": count, "message": one if count == 1 else many})

    if is_many(found["missing"], found["catalog"], percent=percent):
        listed.append(missing_risk(job, found["missing"]))
    if found["unreadable"] and found["missing"]:
        unread = "refused before {} SKU was made out."
        one, many = f"was {unread.format('its')}", f"were {unread.format('their')}"
        risk("unreadable_sku", found["unreadable"], one, many)
    if is_many(found["deactivates"], found["catalog"], percent=percent):
        goes = "would be deactivated by {}."
        risk("deactivates", found["deactivates"], goes.format("its row"), goes.format("their rows"))
    if found["price_moved"]:
        far = f"by more than {settings.RISK_PRICE_PERCENT} %."
        risk("price_moved", found["price_moved"], f"moves {far}", f"move {far}")
    if found["emptied"]:
        lost = "price or description."
        risk("emptied", found["emptied"], f"loses its {lost}", f"lose their {lost}")
    guessed = [each for each in job.detected.get("mapping", ()) if each["how"] == "content"]
    if guessed:
        only = "found by {} content only."
        one, many = f"was {only.format('its')}", f"were {only.format('their')}"
        risk("guessed", len(guessed), one, many)
    mixed = [each for each in job.detected.get("warnings", ()) if each["code"] == "currencies"]
    listed += [{"code": "currencies", "count": 1, "message": each["message"]} for each in mixed]
    return listed


def missing_risk(job: ImportJob, count: int) -> dict[str, Any]:
    """The risk that so many products would go."""
    goes = "deleted" if job.missing == ImportJob.Missing.DELETE else "deactivated"
    message = f"{'is' if count == 1 else 'are'} not in the file and would be {goes}."
    return {"code": "missing", "count": count, "message": message}


def in_words(risk: Mapping[str, Any]) -> str:
    """A risk as a sentence, with what it counts."""
    counted = _COUNTED.get(risk["code"])
    if counted is None:
        return str(risk["message"])
    return f"{risk['count']:,} {counted}{'' if risk['count'] == 1 else 's'} {risk['message']}"
