"""The product's settings; static files are hashed as in production, but in a folder of the test's.

They are not compressed: that takes ten times as long as all the rest of the preparation. Passwords
are hashed quickly: production's way takes half a second for each sign-in, by design.
"""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = Path(os.environ["TEST_STATIC_ROOT"])
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
}
