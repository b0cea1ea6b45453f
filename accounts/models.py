"""The people who use the importer."""

import zoneinfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models


def validate_time_zone(name: str) -> None:
    if name and name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone. Write it like Europe/Berlin.")


class User(AbstractUser):
    """A person or a program that signs in; its role is a group (`accounts.roles`)."""

    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[validate_time_zone],
        help_text="In which times are shown, such as Europe/Berlin. Empty: the site's.",
    )
