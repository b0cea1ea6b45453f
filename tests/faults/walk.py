"""Every path on which products change, walked one after the other by people and programs."""

import html
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urljoin

import requests

from catalog.models import ChangeSet
from dev.checkout import ROOT
from imports.tests.serving import shelf
from tests.faults.browser import Browser
from tests.faults.files import as_csv, products, renamed
from tests.faults.harness import Site, eventually
from tests.faults.outcome import imported

Source = ChangeSet.Source

#: The catalog at one moment: all columns of every product by its id.
Seen = dict[int, dict[str, Any]]

#: More than an operation does at once. Few are active, so that an action on all changes few.
MANY: Final = [
    replace(row, active=number < 20) for number, row in enumerate(products(1010, seed=2))
]
FEW: Final = products(8, seed=3)

#: Notes the change sets of a transaction; at its end every row that it wrote must stand in one.
WATCH = """
CREATE FUNCTION watch_change_sets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(
        'watch.written', coalesce(current_setting('watch.written', true), '') || ' ' || NEW.id, true
    );
    RETURN NEW;
END $$;

CREATE FUNCTION watch_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    product bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END;
    written bigint[] := regexp_split_to_array(
        nullif(trim(current_setting('watch.written', true)), ''), ' +')::bigint[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM catalog_changeset AS change_set
        WHERE change_set.id = ANY(written) AND (
            TG_OP = 'INSERT'
            AND product BETWEEN change_set.first_created_id AND change_set.last_created_id
            OR EXISTS (
                SELECT FROM catalog_productchange AS change
                WHERE change.change_set_id = change_set.id AND change.product_id = product
                AND change.kind = CASE TG_OP WHEN 'INSERT' THEN 'c' WHEN 'UPDATE' THEN 'u' ELSE 'd'
                END
            )
        )
    ) THEN
        RAISE EXCEPTION '% of product % stands in no change set', TG_OP, product;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER watch AFTER INSERT ON catalog_changeset
    FOR EACH ROW EXECUTE FUNCTION watch_change_sets();
CREATE CONSTRAINT TRIGGER watch AFTER INSERT OR UPDATE OR DELETE ON catalog_product
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION watch_products();
"""
UNWATCH = """
DROP FUNCTION watch_products CASCADE;
DROP FUNCTION watch_change_sets CASCADE;
"""

_OPENED = re.compile(r'<input type="hidden" name="(version|initial-\w+)" value="([^"]*)">')


@dataclass(frozen=True)
class Step:
    """One change set, with the whole catalog before and after it."""

    path: str
    change_set: int
    source: str
    before: Seen
    after: Seen


class Walk:
    """Takes one path after the other; `steps` are those that it took."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.people = site.browser()
        self.admin = site.browser("admin")
        self.program = requests.Session()
        self.program.trust_env = False
        self.program.headers["Authorization"] = f"Bearer {site.token('editor', scope='write')}"
        self.steps: list[Step] = []
        imported(site, MANY)
        self.first = self.look()

    def take(self) -> None:
        for name, (source, path) in PATHS.items():
            before, newest = self.look(), self._newest()
            path(self)
            (row,) = self.site.rows(
                "SELECT id, source FROM catalog_changeset WHERE id > %s", [newest]
            )
            assert row["source"] == source, name
            self.steps.append(Step(name, row["id"], source, before, self.look()))
            assert self.steps[-1].before != self.steps[-1].after, name

    def call(self, method: str, path: str, *, status: int, **how: Any) -> Any:
        """One call of the API; what it answers as data."""
        answer = self.program.request(method, self.site.url + path, timeout=30, **how)
        assert answer.status_code == status, answer.text[:500]
        return answer.json()

    def look(self) -> Seen:
        rows = self.site.rows("SELECT * FROM catalog_product")
        return {row["id"]: row for row in rows}

    def pk(self, sku: str) -> int:
        return int(self.site.value("SELECT id FROM catalog_product WHERE sku = %s", [sku]))

    def few(self) -> list[int]:
        return [self.pk(row.sku) for row in FEW]

    def finished(self, operation: int | None, *, by_worker: bool = False) -> None:
        assert (operation is not None) == by_worker
        if operation is not None:
            assert self.site.done(operation)["state"] == "completed"

    def undo(self, path: str) -> None:
        """Undo what a path did."""
        (step,) = (each for each in self.steps if each.path == path)
        self.finished(self.people.undo(step.change_set))

    def _newest(self) -> int:
        return int(self.site.value("SELECT max(id) FROM catalog_changeset"))


def form(**values: str) -> dict[str, str]:
    return {"description": "", "price": "", **values}


def opened(browser: Browser, path: str, **how: Any) -> dict[str, str]:
    """What a form that edits a product keeps of the moment in which it was opened."""
    page = browser.get(path, **how).text
    return {name: html.unescape(value) for name, value in _OPENED.findall(page)}


def redirected(answer: requests.Response) -> None:
    assert answer.status_code == 302, answer.text[:500]


def deactivate_all(walk: Walk) -> None:
    walk.finished(walk.people.act("deactivate", all="1", query=""), by_worker=True)


def delete_all_by_worker(walk: Walk) -> None:
    walk.finished(walk.people.delete_all(), by_worker=True)


def create_on_the_page(walk: Walk) -> None:
    values = form(sku="W-1", name="Läufer “1”", price="9.9", active="on")
    redirected(walk.people.post("/products/new/", values))


def edit_on_the_page(walk: Walk) -> None:
    path = f"/products/{walk.pk('W-1')}/edit/"
    values = form(sku="W-1b", name="One", description="<b>1</b>\n2", active="on")
    redirected(walk.people.post(path, {**opened(walk.people, path), **values}))


def edit_in_the_list(walk: Walk) -> None:
    path = f"/products/{walk.pk('W-1b')}/row/"
    headers = {"HX-Request": "true"}
    values = form(sku="W-1b", name="One in the list", price="1", active="on")
    answer = walk.people.post(
        path,
        {**opened(walk.people, path, headers=headers), **values},
        headers=headers,
        page="/products/new/",
    )
    assert answer.status_code == 200, answer.text[:500]


def switch_off(walk: Walk) -> None:
    path = f"/products/{walk.pk('W-1b')}/active/"
    redirected(walk.people.post(path, {}, page="/products/new/"))


def add_in_the_admin(walk: Walk) -> None:
    values = form(sku="W-2", name="Two", price="2.00", active="on")
    redirected(walk.admin.post("/admin/catalog/product/add/", values))


def change_in_the_admin(walk: Walk) -> None:
    path = f"/admin/catalog/product/{walk.pk('W-2')}/change/"
    redirected(walk.admin.post(path, form(sku="W-2", name="Two, changed", active="on")))


def create_by_the_api(walk: Walk) -> None:
    product = {"sku": "W-3", "name": "Drei “3”", "price": "3.00"}
    walk.call("POST", "/api/products", status=201, json=product)


def replace_by_the_api(walk: Walk) -> None:
    product = {"sku": "W-3b", "name": "Three", "description": "<b>3</b>\n2", "price": None}
    walk.call("PUT", f"/api/products/{walk.pk('W-3')}", status=200, json=product)


def change_by_the_api(walk: Walk) -> None:
    path = f"/api/products/{walk.pk('W-3b')}"
    walk.call("PATCH", path, status=200, json={"price": 3.5})


def act_by_the_api(walk: Walk) -> None:
    action = {"action": "deactivate", "ids": [walk.pk("W-3b"), walk.pk("W-2")]}
    walk.call("POST", "/api/products/actions", status=200, json=action)


def undo_by_the_api(walk: Walk) -> None:
    (step,) = (each for each in walk.steps if each.path == "action by the API")
    walk.call("POST", f"/api/changesets/{step.change_set}/undo", status=200)


def delete_by_the_api(walk: Walk) -> None:
    walk.call("DELETE", f"/api/products/{walk.pk('W-3b')}", status=200)


def upload_by_the_api(walk: Walk) -> None:
    files = {"file": ("by-program.csv", as_csv(renamed(FEW[:3], "by a program")))}
    job = walk.call("POST", "/api/upload", status=202, files=files)["job_id"]
    assert walk.site.finished(int(job))["state"] == "completed"


def repair_by_the_api(walk: Walk) -> None:
    text = b"sku,name,price\nW-repaired,,5\n"
    job = walk.call("POST", "/api/upload", status=202, files={"file": ("rows.csv", text)})["job_id"]
    assert walk.site.finished(int(job))["rejected"] == 1
    cells = [{"row": 1, "column": "name", "value": "Repaired"}]
    made = walk.call("POST", f"/api/imports/{job}/repair", status=202, json={"cells": cells})
    assert walk.site.finished(int(made["job_id"]))["state"] == "completed"


def upload_in_parts(walk: Walk) -> None:
    """By the tus protocol, in one part."""
    text = as_csv(renamed(FEW[:3], "in parts"))
    walk.program.headers["Tus-Resumable"] = "1.0.0"
    made = walk.program.post(
        f"{walk.site.url}/api/uploads/", headers={"Upload-Length": str(len(text))}, timeout=30
    )
    assert made.status_code == 201, made.text
    sent = walk.program.patch(
        urljoin(walk.site.url, made.headers["Location"]),
        headers={"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        data=text,
        timeout=30,
    )
    assert sent.status_code == 204, sent.text
    assert walk.site.finished(int(sent.headers["X-Job-Id"]))["state"] == "completed"


def reviewed_import(walk: Walk) -> None:
    """All that an import can do: rows that create and change, and a catalog that is not in it."""
    text = as_csv([*renamed(FEW[:2], "reviewed"), FEW[2]])
    options = {"review": "always", "missing": "delete"}
    files = {"file": ("rows.csv", text)}
    job = walk.call("POST", "/api/upload", status=202, files=files, data=options)["job_id"]
    state = f"SELECT state FROM imports_importjob WHERE id = {job}"
    eventually(lambda: walk.site.rows(state)[0]["state"] == "review", what="the review")
    missing = walk.call("GET", f"/api/imports/{job}/preview", status=200)["review"]["counts"][
        "missing"
    ]
    agreed = {"missing_agreed": missing}
    walk.call("POST", f"/api/imports/{job}/commit", status=202, json=agreed)
    done = walk.site.finished(int(job))
    assert (done["state"], done["deleted"]) == ("completed", missing)


def upload(walk: Walk) -> None:
    imported(walk.site, FEW)


def import_by_command(walk: Walk) -> None:
    rows = [*renamed(FEW[:4], "by command"), *products(12, seed=3)[8:]]
    done = subprocess.run(
        [sys.executable, "manage.py", "import_products", "-"],
        cwd=ROOT,
        env=walk.site.environment(),
        input=as_csv(rows),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def import_from_an_address(walk: Walk) -> None:
    """Fetched in a process of its own: nothing may be delivered while the paths are walked."""
    site = walk.site
    with shelf(as_csv(renamed(FEW[:3], "fetched"))) as server:
        walk.people.post("/imports/fetch/", {"url": server.url}, page="/imports/")
        fetching = "from imports.tasks import fetch_next; fetch_next()"
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", fetching],
            cwd=ROOT,
            env=site.environment(),
            capture_output=True,
            check=True,
        )
        newest = "SELECT state, job_id FROM imports_fetch ORDER BY id DESC LIMIT 1"
        eventually(lambda: site.rows(newest)[0]["state"] == "completed", what="the fetch")
    assert site.finished(site.rows(newest)[0]["job_id"])["state"] == "completed"


def retry_an_import(walk: Walk) -> None:
    job = cancelled_import(walk, "again")
    walk.people.post(f"/imports/{job}/retry/", page="/imports/")
    assert walk.site.finished(job)["state"] == "completed"


def retry_in_the_admin(walk: Walk) -> None:
    job = cancelled_import(walk, "and again")
    act_in_the_admin(walk, "importjob", "run_again", [job])
    assert walk.site.finished(job)["state"] == "completed"


def cancelled_import(walk: Walk, mark: str) -> int:
    with walk.site.hold("merge") as held:
        job = walk.people.upload(as_csv(renamed(FEW[4:], mark)))
        held.wait()
        walk.people.cancel(job)
        assert walk.site.finished(job)["state"] == "cancelled"
    return job


def deactivate_some(walk: Walk) -> None:
    switched = [pk for pk in walk.few() if walk.look()[pk]["active"]]
    walk.finished(walk.people.act("deactivate", ids=switched[:3]))


def activate_in_the_admin(walk: Walk) -> None:
    act_in_the_admin(walk, "product", "activate", walk.few())


def delete_some(walk: Walk) -> None:
    walk.finished(walk.people.act("delete", ids=walk.few()[:3]))


def delete_some_in_the_admin(walk: Walk) -> None:
    act_in_the_admin(walk, "product", "delete_selected", walk.few()[:2], post="1")


def delete_in_the_admin(walk: Walk) -> None:
    path = f"/admin/catalog/product/{walk.pk('W-2')}/delete/"
    redirected(walk.admin.post(path, {"post": "yes"}))


def undo_in_the_admin(walk: Walk) -> None:
    (step,) = (each for each in walk.steps if each.path == "delete in the admin")
    act_in_the_admin(walk, "changeset", "undo", [step.change_set])


def delete_on_the_page(walk: Walk) -> None:
    redirected(walk.people.post(f"/products/{walk.pk('W-1b')}/delete/"))


def delete_all(walk: Walk) -> None:
    answer = walk.people.post("/products/delete-all/", {"phrase": "delete all products"})
    redirected(answer)


def act_in_the_admin(walk: Walk, model: str, action: str, chosen: list[int], **values: str) -> None:
    data = {"action": action, "_selected_action": chosen, **values}
    app = "imports" if model == "importjob" else "catalog"
    redirected(walk.admin.post(f"/admin/{app}/{model}/", data))


def undo_of(path: str) -> tuple[Source, Callable[[Walk], None]]:
    return Source.UNDO, lambda walk: walk.undo(path)


#: By a name, the source that its change set says it came from, and the path.
PATHS: Mapping[str, tuple[Source, Callable[[Walk], None]]] = {
    "action on all, by the worker": (Source.BULK, deactivate_all),
    "its undo": undo_of("action on all, by the worker"),
    "delete all, by the worker": (Source.DELETE_ALL, delete_all_by_worker),
    "create": (Source.FORM, create_on_the_page),
    "edit": (Source.FORM, edit_on_the_page),
    "edit in the list": (Source.FORM, edit_in_the_list),
    "switch": (Source.FORM, switch_off),
    "add in the admin": (Source.ADMIN, add_in_the_admin),
    "change in the admin": (Source.ADMIN, change_in_the_admin),
    "create by the API": (Source.API, create_by_the_api),
    "replace by the API": (Source.API, replace_by_the_api),
    "change by the API": (Source.API, change_by_the_api),
    "action by the API": (Source.BULK, act_by_the_api),
    "undo by the API": (Source.UNDO, undo_by_the_api),
    "delete by the API": (Source.API, delete_by_the_api),
    "upload by the API": (Source.IMPORT, upload_by_the_api),
    "undo of the upload by the API": undo_of("upload by the API"),
    "repair by the API": (Source.IMPORT, repair_by_the_api),
    "upload in parts": (Source.IMPORT, upload_in_parts),
    "upload": (Source.IMPORT, upload),
    "undo of the upload": undo_of("upload"),
    "undo of that undo": undo_of("undo of the upload"),
    "command": (Source.IMPORT, import_by_command),
    "import from an address": (Source.IMPORT, import_from_an_address),
    "import that is tried again": (Source.IMPORT, retry_an_import),
    "import that is tried again in the admin": (Source.IMPORT, retry_in_the_admin),
    "undo of the command": undo_of("command"),
    "action on some": (Source.BULK, deactivate_some),
    "action in the admin": (Source.BULK, activate_in_the_admin),
    "delete some": (Source.BULK, delete_some),
    "undo of delete some": undo_of("delete some"),
    "delete some in the admin": (Source.BULK, delete_some_in_the_admin),
    "undo of delete some in the admin": undo_of("delete some in the admin"),
    "delete in the admin": (Source.ADMIN, delete_in_the_admin),
    "undo in the admin": (Source.UNDO, undo_in_the_admin),
    "delete": (Source.FORM, delete_on_the_page),
    "undo of delete": undo_of("delete"),
    "undo of the edit in the list": undo_of("edit in the list"),
    "delete all": (Source.DELETE_ALL, delete_all),
    "undo of delete all": undo_of("delete all"),
    "undo of the undo of delete all": undo_of("undo of delete all"),
    "and back once more": undo_of("undo of the undo of delete all"),
    "import that is reviewed": (Source.IMPORT, reviewed_import),
    "undo of what was reviewed": undo_of("import that is reviewed"),
}
