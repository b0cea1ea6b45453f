"""The clock of the product: sends the settings' work, and what people have scheduled in pages.

What stands in the settings stays in memory: it needs no database to be reminded of, so the reaper
goes on whatever happens. Schedules of people are rows of `django_celery_beat`; they are read when
one has changed, and every five minutes in case that was missed. A database that is away costs
nothing but their being late: what was due meanwhile runs when it is back.
"""

import logging
import time
from typing import Any, Final

from celery.beat import ScheduleEntry, Scheduler
from django.db import DatabaseError, InterfaceError, connection
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

logger = logging.getLogger(__name__)

#: How often the database is asked whether a schedule has changed: one short query each time.
ASK_SECONDS: Final = 5.0
READ_ANYWAY_SECONDS: Final = 300.0


class Clock(DatabaseScheduler):  # type: ignore[misc]
    """Entries of the settings and of the database, by name."""

    def __init__(self, *arguments: Any, **how: Any) -> None:
        self._schedule: dict[str, Any] = {}
        self._asked_at = self._read_at = float("-inf")
        self._changed_at: Any = None
        self._away = False
        super().__init__(*arguments, **how)

    def setup_schedule(self) -> None:
        self._schedule = {
            name: ScheduleEntry(name=name, app=self.app, **fields)
            for name, fields in self.app.conf.beat_schedule.items()
        }

    @property
    def schedule(self) -> dict[str, Any]:
        now = time.monotonic()
        if now - self._asked_at >= ASK_SECONDS:
            self._asked_at = now
            self._ask(now)
        return self._schedule

    def enabled_models_qs(self) -> Any:
        """All of them. The package leaves out what is hours away, and with it what was missed."""
        return self.Model.objects.enabled().select_related("crontab")

    def reserve(self, entry: Any) -> Any:
        """What comes after this run; a schedule's run is written down at once."""
        if not isinstance(entry, ModelEntry):
            return Scheduler.reserve(self, entry)
        following = super().reserve(entry)
        self._schedule[entry.name] = following
        self.sync()
        return following

    def sync(self) -> None:
        """Write down when schedules ran last; what can't be written now is tried again."""
        try:
            self._write_runs()
        except (DatabaseError, InterfaceError) as error:
            self._warn(error)
        finally:
            connection.close()

    def _ask(self, now: float) -> None:
        """Read the schedules if they have changed; the known ones go on if that can't be told."""
        try:
            self._write_runs()
            changed_at = self.Changes.last_change()
            if changed_at != self._changed_at or now - self._read_at >= READ_ANYWAY_SECONDS:
                self._read()
                self._changed_at, self._read_at = changed_at, now
        except (DatabaseError, InterfaceError) as error:
            self._warn(error)
        else:
            if self._away:
                logger.info("schedules can be read again")
            self._away = False
        finally:
            connection.close()

    def _read(self) -> None:
        settled = {
            name: entry
            for name, entry in self._schedule.items()
            if not isinstance(entry, ModelEntry)
        }
        self._schedule = {**self.all_as_schedule(), **settled}
        self._heap_invalidated = True

    def _write_runs(self) -> None:
        for name in list(self._dirty):
            entry = self._schedule.get(name)
            if isinstance(entry, ModelEntry):
                # Not if somebody has changed the schedule since: their word is newer.
                PeriodicTask.objects.filter(
                    pk=entry.model.pk, date_changed=entry.model.date_changed
                ).update(
                    last_run_at=entry.model.last_run_at,
                    total_run_count=entry.model.total_run_count,
                )
            self._dirty.discard(name)

    def _warn(self, error: Exception) -> None:
        if not self._away:
            logger.warning("schedules can't be read now, the known ones go on: %s", error)
        self._away = True
