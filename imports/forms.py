"""What a person chooses when a file is handed in."""

from typing import Any

from django import forms
from django.conf import settings

from imports.models import ImportJob
from imports.options import Options

ENCODINGS = (
    ("", "Find out"),
    ("utf-8", "UTF-8"),
    ("windows-1252", "Windows-1252"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
)
DELIMITERS = (
    ("", "Find out"),
    (",", "Comma"),
    (";", "Semicolon"),
    ("\t", "Tab"),
    ("|", "Pipe"),
)
DECIMALS = (("", "Find out"), (".", "Point"), (",", "Comma"))


class UploadForm(forms.Form):
    """A file and the options of its import."""

    file = forms.FileField(
        allow_empty_file=True, error_messages={"required": "Choose a CSV file first."}
    )
    review = forms.ChoiceField(choices=ImportJob.Review.choices, required=False)
    mode = forms.ChoiceField(choices=ImportJob.Mode.choices, required=False)
    missing = forms.ChoiceField(choices=ImportJob.Missing.choices, required=False)
    empty = forms.ChoiceField(choices=ImportJob.Empty.choices, required=False)
    encoding = forms.ChoiceField(choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(choices=DELIMITERS, required=False)
    decimal = forms.ChoiceField(choices=DECIMALS, required=False)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.size:
            raise forms.ValidationError("The file is empty: 0 bytes. Choose another one.")
        if file.size > settings.UPLOAD_MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {file.size / 1024**2:,.1f} MB;"
                f" {settings.UPLOAD_MAX_BYTES / 1024**2:,.0f} MB is the most."
                " Split it, or import it with manage.py import_products.",
                code="too_large",
            )
        return file

    def options(self) -> Options:
        """What was chosen, and what the settings name for the rest."""
        chosen = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        return Options.usual(**chosen)
