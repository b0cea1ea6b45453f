"""The review of an import: rows are left out or taken in, then it is applied."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from imports.models import ImportJob
from imports.reviews.page import prospect_of, ticks_of
from imports.reviews.reviewing import (
    CLASSES,
    ReviewRefused,
    apply_review,
    decide,
    decide_class,
    review_anew,
)
from imports.views.jobs import detail_context, detail_page


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def save(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Leave rows or a whole class out, or take them in; htmx gets what has changed of the page."""
    job = get_object_or_404(ImportJob, pk=pk)
    row = request.POST.get("row", "")
    try:
        for name, include in (("leave_out", False), ("take", True)):
            if (chosen := request.POST.get(name)) in CLASSES:
                decide_class(job, chosen, include=include)
                break
        else:
            save_ticks(job, request, row)
    except ReviewRefused as refused:
        return _refused(request, job, refused)
    if not request.htmx:  # type: ignore[attr-defined]
        query = request.GET.urlencode()
        return redirect(f"{reverse('imports:detail', args=[pk])}?{query}#changes")
    job.refresh_from_db()
    # What the browser shows may be of a later address than the button.
    path: str = request.htmx.current_url_abs_path or ""  # type: ignore[attr-defined]
    context = detail_context(job, QueryDict(path.partition("?")[2])) | {"row_alone": bool(row)}
    return render(request, "imports/review.html#decided", context)


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def apply(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Apply an import as it was decided, if it still does what the person who asks has seen."""
    job = get_object_or_404(ImportJob, pk=pk)
    user: Any = request.user
    typed = request.POST.get("missing_agreed", "").strip()
    try:
        if save_ticks(job, request):
            messages.info(request, "Saved. Look at the numbers once more, then apply.")
            return redirect("imports:detail", pk=pk)
        if _has_moved(job, request.POST.get("seen", "")):
            messages.warning(
                request,
                "Nothing was applied yet: it would do something else by now than when you looked."
                " Look at the numbers once more, then apply.",
            )
            return redirect("imports:detail", pk=pk)
        _apply(job, user=user, typed=typed, on_conflict=request.POST.get("on_conflict", ""))
    except ReviewRefused as refused:
        if refused.code != "confirm":
            return _refused(request, job, refused)
        shown = {
            "problem": f"Nothing was applied. {refused}",
            "typed": typed,
            "on_conflict": request.POST.get("on_conflict", ""),
        }
        return detail_page(request, job, status=422, **shown)
    return redirect("imports:detail", pk=pk)


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def anew(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file of a review that is gone once more."""
    job = get_object_or_404(ImportJob, pk=pk)
    try:
        review_anew(job)
    except ReviewRefused as refused:
        messages.warning(request, str(refused))
    return redirect("imports:detail", pk=pk)


def save_ticks(job: ImportJob, request: HttpRequest, row: str = "") -> int:
    """Keep what is ticked on the page, or of one row alone; how many rows were not kept yet."""
    ticks = ticks_of(
        job, leave=request.POST.getlist("leave"), was=request.POST.getlist("was"), row=row
    )
    for include, (lines, products) in ticks.items():
        decide(job, lines=lines, products=products, include=include)
    return sum(len(lines) + len(products) for lines, products in ticks.values())


def _apply(job: ImportJob, *, user: AbstractBaseUser, typed: str, on_conflict: str) -> None:
    number = typed.replace(",", "").replace(" ", "")
    apply_review(
        job,
        user=user,
        missing_agreed=int(number) if number.isdecimal() else None,
        on_conflict=(
            ImportJob.Conflict.OVERWRITE
            if on_conflict == ImportJob.Conflict.OVERWRITE
            else ImportJob.Conflict.LEAVE
        ),
    )


def _has_moved(job: ImportJob, seen: str) -> bool:
    waits = job.state == ImportJob.State.REVIEW
    return waits and prospect_of(job).seen != seen


def _refused(request: HttpRequest, job: ImportJob, refused: ReviewRefused) -> HttpResponse:
    """Say why it can't be; htmx loads the page anew, which says it."""
    messages.warning(request, str(refused))
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect("imports:detail", pk=job.pk)
