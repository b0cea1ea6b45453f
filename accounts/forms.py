"""What people set of their own account: a new API token, the time zone."""

import zoneinfo
from functools import cache
from typing import Any, Final, cast

from django import forms
from django.http import QueryDict

from accounts import tokens
from accounts.models import User, validate_time_zone
from accounts.roles import scopes_of

NAME_MAX: Final = 100
#: What a token may do by its scope, in words.
SCOPE_WORDS: Final = {
    "read": "Lists and looks: products, imports, the log of changes, exports. Changes nothing.",
    "write": "What read does, and changes products, imports files and undoes changes.",
    "manage": "What write does, and deletes all products and manages webhooks.",
}
FOR_EVER: Final = "never"
FIRST_LIFETIME: Final = "90"
LIFETIMES: Final = [
    (FOR_EVER, "No end") if days is None else (str(days), f"{days} days")
    for days in tokens.LIFETIMES
]


class TokenForm(forms.Form):
    """A new token; a user may give it as much as the own role allows."""

    name = forms.CharField(
        max_length=NAME_MAX,
        error_messages={
            "required": "The name is empty. Say which program the token is for.",
            "max_length": f"The name is longer than {NAME_MAX} characters.",
        },
    )
    scope = forms.ChoiceField(
        error_messages={
            "required": "Choose what the token may do.",
            "invalid_choice": "Your role does not allow this scope. Choose another.",
        }
    )
    lifetime = forms.ChoiceField(
        choices=LIFETIMES,
        error_messages={
            "required": "Choose for how long the token is valid.",
            "invalid_choice": "Choose one of these lifetimes.",
        },
    )

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        self.user = user
        scopes = scopes_of(user)
        super().__init__(data, initial={"scope": scopes[0], "lifetime": FIRST_LIFETIME})
        cast(forms.ChoiceField, self.fields["scope"]).choices = [(each, each) for each in scopes]

    def clean_name(self) -> str:
        """A name that tells the user's tokens apart; it also stops a form that is sent twice."""
        name: str = self.cleaned_data["name"]
        if tokens.of(self.user).filter(name__iexact=name).exists():
            raise forms.ValidationError("You have a token with this name. Choose another.")
        return name

    def values(self) -> dict[str, Any]:
        """Name, scope and days, as `tokens.create` takes them."""
        lifetime = self.cleaned_data["lifetime"]
        return {
            "name": self.cleaned_data["name"],
            "scope": self.cleaned_data["scope"],
            "days": None if lifetime == FOR_EVER else int(lifetime),
        }

    @property
    def scopes(self) -> list[tuple[str, str, bool]]:
        """Each scope, what it allows, whether it is chosen."""
        chosen = self["scope"].value()
        return [(scope, SCOPE_WORDS[scope], scope == chosen) for scope in scopes_of(self.user)]

    @property
    def lifetimes(self) -> list[tuple[str, str, bool]]:
        """Each lifetime, its label, whether it is chosen."""
        chosen = self["lifetime"].value()
        return [(value, label, value == chosen) for value, label in LIFETIMES]

    @property
    def starts_at(self) -> str:
        """The field that takes the focus: the first that was refused, or none."""
        return next((name for name in self.fields if name in self.errors), "")


class TimeZoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """The zone in which times are shown; empty is the site's."""

    time_zone = forms.CharField(
        required=False,
        max_length=64,
        validators=[validate_time_zone],
        error_messages={"max_length": "No time zone has such a long name."},
    )

    class Meta:
        model = User
        fields = ("time_zone",)


@cache
def time_zones() -> tuple[str, ...]:
    """Names to choose from, by place; the others are taken when they are typed."""
    names = zoneinfo.available_timezones()
    return ("UTC", *sorted(name for name in names if "/" in name and not name.startswith("Etc/")))
