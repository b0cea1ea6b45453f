"""What a person chooses when a file is handed in."""

from typing import Any

from django import forms
from django.conf import settings

from imports.models import ImportJob, Mapping
from imports.options import Options

ENCODINGS = (
    ("", "Find out"),
    ("utf-8", "UTF-8"),
    ("windows-1252", "Windows-1252, Latin-1 (western Europe)"),
    ("iso-8859-15", "ISO-8859-15 (western Europe with €)"),
    ("macintosh", "Mac Roman (western Europe)"),
    ("cp850", "DOS 850 (western Europe)"),
    ("cp437", "DOS 437 (USA)"),
    ("windows-1250", "Windows-1250 (central Europe)"),
    ("iso-8859-2", "ISO-8859-2 (central Europe)"),
    ("cp852", "DOS 852 (central Europe)"),
    ("windows-1251", "Windows-1251 (Cyrillic)"),
    ("koi8-r", "KOI8-R (Russian)"),
    ("koi8-u", "KOI8-U (Ukrainian)"),
    ("cp866", "DOS 866 (Cyrillic)"),
    ("iso-8859-5", "ISO-8859-5 (Cyrillic)"),
    ("windows-1253", "Windows-1253 (Greek)"),
    ("iso-8859-7", "ISO-8859-7 (Greek)"),
    ("windows-1254", "Windows-1254 (Turkish)"),
    ("iso-8859-9", "ISO-8859-9 (Turkish)"),
    ("windows-1257", "Windows-1257 (Baltic)"),
    ("windows-1258", "Windows-1258 (Vietnamese)"),
    ("windows-1255", "Windows-1255 (Hebrew)"),
    ("windows-1256", "Windows-1256 (Arabic)"),
    ("windows-874", "Windows-874 (Thai)"),
    ("shift_jis", "Shift-JIS (Japanese)"),
    ("euc-jp", "EUC-JP (Japanese)"),
    ("iso-2022-jp", "ISO-2022-JP (Japanese)"),
    ("gb18030", "GB18030, GBK (simplified Chinese)"),
    ("big5", "Big5 (traditional Chinese)"),
    ("euc-kr", "EUC-KR (Korean)"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
    ("utf-32-le", "UTF-32 LE"),
    ("utf-32-be", "UTF-32 BE"),
)
DELIMITERS = (
    ("", "Find out"),
    (",", "Comma"),
    (";", "Semicolon"),
    ("\t", "Tab"),
    ("|", "Pipe"),
    (":", "Colon"),
    (" ", "Blank"),
    ("^", "Caret ^"),
    ("~", "Tilde ~"),
    ("#", "Number sign #"),
    ("*", "Asterisk *"),
    ("&", "Ampersand &"),
    ("!", "Exclamation mark !"),
    ("=", "Equals sign ="),
    ("/", "Slash /"),
    ("¦", "Broken bar ¦"),
    ("§", "Section sign §"),
    ("¬", "Not sign ¬"),
    ("\x1f", "Unit separator (U+001F)"),
    ("\x1e", "Record separator (U+001E)"),
    ("\x01", "Control character U+0001"),
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
    mapping = forms.ModelChoiceField(
        Mapping.objects.exclude(name=""),
        to_field_name="name",
        required=False,
        empty_label="Find out",
        error_messages={"invalid_choice": "There is no mapping of this name."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**Options.usual().as_json(), **self.initial}

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
        names = ("review", "mode", "missing", "empty", "encoding", "delimiter", "decimal")
        chosen = {name: self.cleaned_data[name] for name in names}
        if mapping := self.cleaned_data["mapping"]:
            chosen |= {
                "mapping_id": mapping.pk,
                "decimal": chosen["decimal"] or mapping.decimal,
            }
        return Options.usual(**chosen)
