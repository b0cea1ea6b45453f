"""A page and tasks that fail."""

from celery import shared_task
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config import urls
from config.urls import handler400, handler403, handler404, handler500  # noqa: F401
from core.leases import LeaseLost
from core.logs import log_ids
from tests.raising import fail


@login_not_required
@csrf_exempt
def broken(request: HttpRequest, how: str) -> HttpResponse:
    if how == "missing":
        raise Http404
    if how == "denied":
        raise PermissionDenied
    return HttpResponse(fail())


@shared_task(name="tests.broken")
def broken_task(lost: bool) -> None:
    with log_ids(request_id="of-the-upload", job_id=4711):
        if lost:
            raise LeaseLost
        fail()


urlpatterns = [path("broken/<str:how>", broken), *urls.urlpatterns]
