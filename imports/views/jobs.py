"""The pages of imports: parse, call one function, render."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from core.leases import request_cancel
from core.streams import event_stream
from imports import report
from imports.forms import UploadForm
from imports.listing import STATES, jobs_in, undone_of
from imports.live import feed
from imports.live import live as live_figures
from imports.models import ImportJob
from imports.reading_form import reading_context
from imports.repairs.page import rejected_context
from imports.retrying import RetryRefused, newer_change_sets, retry_import
from imports.reviews.page import is_part, review_context
from imports.sample import SAMPLE_CSV
from imports.uploads import NoRoom, TooManyUploads, UploadRefused, accept_upload, count_upload

PAGE_SIZE = 25
NEWER_SHOWN = 20


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def import_list(request: HttpRequest) -> HttpResponse:
    """The drop zone and the history; htmx gets the history alone."""
    fragment = bool(request.htmx)  # type: ignore[attr-defined]
    template = "imports/list.html#history" if fragment else "imports/list.html"
    return render(request, template, list_context(request, UploadForm()))


@require_POST
@permission_required("imports.add_importjob", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file; 202 with the job's URL for a script, a redirect for a form."""
    form = UploadForm(request.POST, request.FILES)
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    user = cast(User, request.user)
    status, wait = 400, None
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            count_upload(user)
            job = accept_upload(file, file_name=file.name, user=user, options=form.options())
        except UploadRefused as refused:
            form.add_error("file", str(refused))
            if isinstance(refused, TooManyUploads):
                status, wait = 429, refused.seconds
            elif isinstance(refused, NoRoom):
                status = 507
        else:
            url = reverse("imports:detail", args=[job.pk])
            if wants_json:
                return JsonResponse({"url": url, "job_id": job.pk}, status=202)
            return redirect(url)
    response: HttpResponse
    if wants_json:
        problems = [str(text) for errors in form.errors.values() for text in errors]
        body = {"detail": " ".join(problems), "errors": form.errors}
        response = JsonResponse(body, status=status)
    else:
        context = list_context(request, form)
        response = render(request, "imports/list.html", context, status=status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def sample(request: HttpRequest) -> HttpResponse:
    """A small CSV that imports clean, to start from."""
    return HttpResponse(
        SAMPLE_CSV,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="sample_products.csv"'},
    )


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: live while it runs, its rows while it waits for a review, its rejected rows once
    it has ended. The rows of a review by themselves for htmx."""
    job = get_object_or_404(ImportJob.objects.select_related("created_by", "change_set"), pk=pk)
    return detail_page(request, job)


def detail_page(
    request: HttpRequest, job: ImportJob, *, status: int = 200, **shown: Any
) -> HttpResponse:
    """The page of an import, or the rows of its review; `shown` is what stands there once."""
    context = detail_context(job, request.GET) | shown
    htmx = request.htmx  # type: ignore[attr-defined]
    part = htmx and not htmx.history_restore_request and is_part(request.GET)
    if part and htmx.target == "changes" and "changes" not in context:
        return HttpResponse(headers={"HX-Refresh": "true"})
    template = "imports/detail.html"
    if part and "changes" in context:
        template = "imports/review.html#changes"
    return render(request, template, context, status=status)


def detail_context(job: ImportJob, query: QueryDict) -> dict[str, Any]:
    """All that the page of an import shows at an address with this query."""
    return {
        "job": job,
        "live": live_figures(job),
        **reading_context(job),
        **review_context(job, query),
        "undone": bool(undone_of([job])),
        **rejected_context(job, query),
    }


@require_GET
@never_cache
@permission_required("imports.view_importjob", raise_exception=True)
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The live fragment, for browsers that poll."""
    job = get_object_or_404(ImportJob, pk=pk)
    return render(request, "imports/detail.html#live", {"job": job, "live": live_figures(job)})


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def events(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The live fragment as Server-Sent Events."""
    job = get_object_or_404(ImportJob, pk=pk)
    return event_stream(job.progress_key, feed(job.pk))


@require_GET
@permission_required("imports.view_importjob", raise_exception=True)
def rejected_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rejected rows with their original columns and the reasons, to fix and drop in again."""
    job = get_object_or_404(ImportJob, pk=pk)
    return report.rejected_csv(job)


@require_POST
@permission_required("imports.change_importjob", raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a running import to be cancelled."""
    job = get_object_or_404(ImportJob, pk=pk)
    if request_cancel(job):
        messages.info(request, "The import is being cancelled. Nothing of it will remain.")
    else:
        messages.warning(request, "The import had already ended.")
    return redirect("imports:detail", pk=pk)


@require_http_methods(["GET", "POST"])
@permission_required("imports.change_importjob", raise_exception=True)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a failed or cancelled import again, after saying what changed since."""
    job = get_object_or_404(ImportJob, pk=pk)
    if request.method == "POST":
        try:
            retry_import(job)
        except RetryRefused as refused:
            messages.error(request, str(refused))
        return redirect("imports:detail", pk=pk)
    newer = newer_change_sets(job)
    context = {"job": job, "newer": newer[:NEWER_SHOWN], "newer_count": newer.count()}
    return render(request, "imports/retry.html", context)


def list_context(request: HttpRequest, form: UploadForm) -> dict[str, Any]:
    state = request.GET.get("state", "")
    page = Paginator(jobs_in(state), PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "form": form,
        "state": state if state in STATES else "",
        "page": page,
        "undone": undone_of(page.object_list),
    }
