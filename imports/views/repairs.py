"""Rejected rows imported after all: by a remedy, or with cells written in the page."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from catalog.rules import CAUSES
from imports.models import ImportJob
from imports.repairs import correcting, repairing
from imports.repairs.files import RepairRefused
from imports.repairs.page import entered_cells, rejected_context
from imports.uploads import UploadRefused
from imports.views.jobs import detail_page


@require_http_methods(["GET", "POST"])
@permission_required("imports.add_importjob", raise_exception=True)
def repair(request: HttpRequest, pk: int) -> HttpResponse:
    """What the remedy of a cause would do, counted anew if choices change; then do it."""
    job = get_object_or_404(ImportJob, pk=pk)
    asked: Any = request.POST if request.method == "POST" else request.GET
    code = asked.get("code", "")
    also = [each for each in asked.getlist("also") if each != code]
    words = _words(asked)
    try:
        if request.method == "POST" and "count" not in asked:
            user = cast(User, request.user)
            made = repairing.repair(job, code=code, also=also, words=words, user=user)
            return _to(request, reverse("imports:detail", args=[made.pk]))
        plan = repairing.plan(job, code=code, also=also, words=words)
    except (RepairRefused, UploadRefused) as refused:
        messages.error(request, str(refused))
        return _to(request, f"{reverse('imports:detail', args=[pk])}#rejected")
    context = {
        "job": job,
        "plan": plan,
        "title": CAUSES[code],
        "words": _meanings(job, words) if plan.remedy.chooses else [],
        "also": _also(job, plan, also),
    }
    return render(request, "imports/repair.html", context)


@require_POST
@permission_required("imports.add_importjob", raise_exception=True)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the rows whose cells were written anew, or show what is still wrong with them."""
    job = get_object_or_404(ImportJob.objects.select_related("created_by", "change_set"), pk=pk)
    entered, changed = entered_cells(job, request.POST.dict())
    problems: Mapping[correcting.Place, str] = {}
    try:
        made = correcting.correct(job, cells=changed, user=cast(User, request.user))
        return _to(request, reverse("imports:detail", args=[made.pk]))
    except correcting.CellsWrong as wrong:
        problems, refusal = wrong.problems, str(wrong)
    except (RepairRefused, UploadRefused) as refused:
        refusal = str(refused)
    shown = rejected_context(job, request.GET, entered=entered, problems=problems)
    return detail_page(request, job, status=422, refusal=refusal, **shown)


def _to(request: HttpRequest, url: str) -> HttpResponse:
    htmx = request.htmx  # type: ignore[attr-defined]
    return HttpResponseClientRedirect(url) if htmx else redirect(url)


def _words(asked: Any) -> dict[str, str]:
    """What somebody said that words mean: each `word` with its `means` at the same place."""
    pairs = zip(asked.getlist("word"), asked.getlist("means"), strict=False)
    return {word: meaning for word, meaning in pairs if meaning in ("yes", "no")}


def _meanings(job: ImportJob, words: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"word": word, "rows": rows, "means": words.get(word, "")}
        for word, rows in repairing.unknown_words(job)
    ]


def _also(job: ImportJob, plan: repairing.Plan, also: list[str]) -> list[dict[str, Any]]:
    """Remedies that can be used on the same rows: those of other faults that they have."""
    faults = {code: rows for code, _, rows in plan.others}
    codes = dict.fromkeys([*also, *faults])
    return [
        {"code": code, "label": CAUSES[code], "rows": faults.get(code), "chosen": code in also}
        for code in codes
        if (remedy := repairing.remedy_of(job, code)) and not remedy.chooses
    ]
