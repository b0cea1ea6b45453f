"""PostgreSQL and Valkey together: what the runner, `dev exec` and the tests stand on."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.postgres import DATABASE, Postgres
from dev.processes import ProcessRecord
from dev.valkey import ServiceError, Valkey

__all__ = ["DATABASE", "Postgres", "ServiceError", "Services", "Valkey"]


class Services:
    """A PostgreSQL and a Valkey under one directory, started and stopped side by side.

    Each can be left out, which is how a server that is already there is used instead. A context
    manager: `with Services(path) as services: services.environment()`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        with_postgres: bool = True,
        with_valkey: bool = True,
        postgres_options: Mapping[str, str] | None = None,
        valkey_options: Mapping[str, str] | None = None,
    ) -> None:
        self.postgres = (
            Postgres(directory / "postgres", options=postgres_options) if with_postgres else None
        )
        self.valkey = Valkey(directory / "valkey", options=valkey_options) if with_valkey else None

    def start(self) -> None:
        """Start both at once and wait for both; raises ServiceError."""
        if self.valkey is not None:
            self.valkey.launch()
        if self.postgres is not None:
            self.postgres.launch()
            self.postgres.wait_ready()
        if self.valkey is not None:
            self.valkey.wait_ready()

    def stop(self, *, seconds: float = 10) -> None:
        """Stop both at once, after `seconds` each by force."""
        servers = [server for server in (self.postgres, self.valkey) if server is not None]
        for server in servers:
            server.begin_stop()
        for server in servers:
            server.stop(seconds=seconds)

    def environment(self) -> dict[str, str]:
        """DATABASE_URL and REDIS_URL of the servers that are ours."""
        urls = {}
        if self.postgres is not None:
            urls["DATABASE_URL"] = self.postgres.url
        if self.valkey is not None:
            urls["REDIS_URL"] = self.valkey.url
        return urls

    def records(self) -> list[ProcessRecord]:
        """The running servers, for whoever has to clean up after a killed runner."""
        records = []
        if self.postgres is not None:
            records.append(ProcessRecord.of("postgres", self.postgres.process.pid))
        if self.valkey is not None:
            records.append(ProcessRecord.of("valkey", self.valkey.process.pid))
        return records

    def dead(self) -> str | None:
        """The log of a server that has ended by itself, or nothing."""
        for server in (self.postgres, self.valkey):
            if server is not None and server.process.poll() is not None:
                return str(server.log)
        return None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
