"""What must be true at the end, whatever happened on the way."""

from collections.abc import Iterator, Sequence

from tests import oracle
from tests.faults.files import as_csv
from tests.faults.harness import Site, eventually
from tests.oracle import Logged, Row, Snapshot


def after(*files: Sequence[Row]) -> dict[str, Row]:
    """The catalog that these files make in this order."""
    catalog: dict[str, Row] = {}
    for rows in files:
        oracle.apply(catalog, rows, str.lower)
    return catalog


def expect(site: Site, *files: Sequence[Row]) -> None:
    """The catalog is as these files in this order make it, its log is true, nothing lies about."""
    assert site.catalog() == after(*files)
    expect_true_log(site)
    eventually(lambda: not site.staging_tables(), what="no staging tables left")


def expect_true_log(site: Site) -> None:
    """Taken back step by step, the log leads from the catalog as it is to the empty one."""
    earliest = snapshot(site)
    for _, before in oracle.walked_back(earliest, log(site)):
        earliest = before
    assert earliest == {}


def snapshot(site: Site) -> Snapshot:
    """The products by their ids."""
    rows = site.rows("SELECT id, sku, name, description, price, active FROM catalog_product")
    return {row.pop("id"): Row(**row) for row in rows}


def log(site: Site) -> Iterator[Logged]:
    """The change sets, newest first."""
    for each in site.rows("SELECT * FROM catalog_changeset ORDER BY id DESC"):
        changes = site.rows(
            "SELECT product_id, kind, before FROM catalog_productchange WHERE change_set_id = %s",
            [each["id"]],
        )
        yield Logged(
            pk=each["id"],
            created=each["created"],
            updated=each["updated"],
            deleted=each["deleted"],
            first_created_id=each["first_created_id"],
            last_created_id=each["last_created_id"],
            changes=[tuple(change.values()) for change in changes],
        )


def imported(site: Site, rows: Sequence[Row]) -> None:
    """Import a file through the running product, undisturbed."""
    site.start_worker()
    done = site.finished(site.browser().upload(as_csv(rows)))
    assert done["state"] == "completed", done
