"""How often the API may be asked."""

from django.conf import settings
from rest_framework.request import Request

from accounts.models import ApiToken
from core.api.problems import Problem
from core.limits import Limit, sender, spend

MINUTE = 60


def count_request(request: Request, *, known: bool) -> None:
    """Count a call: of a token by itself, of a session by its user, of strangers by address.

    Raises:
        Problem: `too-many-requests`, with Retry-After.
    """
    most = settings.API_REQUESTS_A_MINUTE
    if not known:
        most = settings.API_STRANGERS_REQUESTS_A_MINUTE
        limit = Limit("api-address", (sender(request._request),), most, MINUTE)
    elif isinstance(request.auth, ApiToken):
        limit = Limit("api-token", (str(request.auth.pk),), most, MINUTE)
    else:
        limit = Limit("api-user", (str(request.user.pk),), most, MINUTE)
    wait = spend([limit])
    if wait:
        raise Problem(
            "too-many-requests",
            f"At most {most:,} requests a minute. Try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )
