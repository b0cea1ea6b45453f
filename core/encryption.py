"""Columns that only this installation can read: encrypted by a key derived from SECRET_KEY.

Fernet of `cryptography` encrypts (AES-128-CBC and HMAC-SHA256). Former keys that stand in
SECRET_KEY_FALLBACKS still decrypt; a value is encrypted anew when it is next written.
"""

import base64
import json
import logging
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

logger = logging.getLogger(__name__)


@cache
def _fernet(secret_keys: tuple[str, ...]) -> MultiFernet:
    keys = (
        HKDF(SHA256(), length=32, salt=None, info=b"product-importer columns").derive(key.encode())
        for key in secret_keys
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _current() -> MultiFernet:
    return _fernet((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


class EncryptedField(models.TextField):  # type: ignore[type-arg]
    """Any JSON value, encrypted at rest; no lookup but `isnull` makes sense on it.

    A value that no key can read comes back as None, with an error in the log: the row stays
    usable, and whoever needs the value says what is missing.
    """

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        return _current().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: str | None, *args: Any) -> Any:
        if value is None:
            return None
        try:
            return json.loads(_current().decrypt(value.encode()))
        except InvalidToken:
            logger.error(
                "a value of %s can't be decrypted: is a former SECRET_KEY missing in"
                " SECRET_KEY_FALLBACKS?",
                self,
            )
            return None
