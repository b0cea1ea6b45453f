"""The page where everybody lands: the catalog in figures, and what was imported."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog import figures
from imports import chart
from imports.fetches.listing import troubled
from imports.listing import undone_of
from imports.models import ImportJob
from webhooks import figures as webhook_figures
from webhooks import listing

LAST_IMPORTS = 6
ENDPOINTS = 6


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The home page; htmx gets the last imports alone. Whoever has no role is told so."""
    if not request.user.has_perm("catalog.view_product"):
        return render(request, "no_role.html", status=403)
    jobs = list(ImportJob.objects.order_by("-id")[:LAST_IMPORTS])
    imports = {"jobs": jobs, "undone": undone_of(jobs)}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "home.html#last-imports", imports)
    webhooks = _webhooks() if request.user.has_perm("webhooks.view_endpoint") else None
    return render(
        request,
        "home.html",
        {
            "webhooks": webhooks,
            "stock": figures.stock(),
            "week": figures.week(),
            "last_change": figures.last_change(),
            "chart": chart.rows_a_day(),
            **imports,
            "troubled": troubled() if request.user.has_perm("imports.view_source") else [],
        },
    )


def _webhooks() -> dict[str, Any]:
    """How endpoints do: all together, and some of them, those in trouble first."""
    shown = list(listing.troubled_first()[:ENDPOINTS])
    return {"overview": webhook_figures.overview(), "rows": listing.with_figures(shown)}
