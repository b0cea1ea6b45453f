#!/usr/bin/env python
"""Run Django's management commands with this project's settings."""

import os
import sys

from django.core.management import execute_from_command_line

#: What the settings ask for, for a command that reaches no server and signs nothing.
UNUSED = {
    "SECRET_KEY": "unused",
    "DATABASE_URL": "postgres:///unused",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["inspect_file"]:
        os.environ.update({**UNUSED, **os.environ})
    execute_from_command_line(sys.argv)
