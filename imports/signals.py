"""What an import tells those it does not know."""

from django.dispatch import Signal

# Sent with `sender=ImportJob` and `job: ImportJob` when it completed or failed, inside the
# transaction that says so: receivers only write rows or register on_commit work.
import_finished = Signal()
