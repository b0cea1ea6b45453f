"""What must be true at the end, whatever happened on the way."""

from collections.abc import Sequence

from tests import oracle
from tests.faults.files import as_csv
from tests.faults.harness import Site, eventually
from tests.oracle import Row


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
    """Taken back step by step, the log leads from the catalog as it is to the empty one.

    On the way every value that the log says was replaced differs from the one that replaced it: a
    change that is missing from the log, or stands in a wrong place, shows there.
    """
    products = {
        row["id"]: row
        for row in site.rows(
            "SELECT id, sku, name, description, price::text AS price, active FROM catalog_product"
        )
    }
    for change_set in site.rows("SELECT * FROM catalog_changeset ORDER BY id DESC"):
        changes = site.rows(
            "SELECT * FROM catalog_productchange WHERE change_set_id = %s", [change_set["id"]]
        )
        counts = dict.fromkeys("ud", 0)
        for change in changes:
            counts[change["kind"]] += 1
            before = {"id": change["product_id"], **change["before"]}
            if change["kind"] == "d":
                assert change["product_id"] not in products
                products[change["product_id"]] = before
                continue
            product = products[change["product_id"]]
            assert all(product[name] != before[name] for name in change["before"]), (
                change,
                product,
            )
            product.update(before)
        assert (counts["u"], counts["d"]) == (change_set["updated"], change_set["deleted"])
        if change_set["created"]:
            first, last = change_set["first_created_id"], change_set["last_created_id"]
            made = [pk for pk in products if first <= pk <= last]
            assert len(made) == change_set["created"]
            for pk in made:
                del products[pk]
    assert products == {}


def imported(site: Site, rows: Sequence[Row]) -> None:
    """Import a file through the running product, undisturbed."""
    site.start_worker()
    done = site.finished(site.browser().upload(as_csv(rows)))
    assert done["state"] == "completed", done
