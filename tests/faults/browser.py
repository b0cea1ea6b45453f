"""Somebody who uses the running product: signs in, uploads, deletes, undoes."""

import re
from typing import Any

import requests

from tests.faults.prepare import PASSWORD

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_OPERATION = re.compile(r"/products/operations/(\d+)/")


class Browser:
    """Somebody who is signed in, without a browser: redirects are not followed."""

    def __init__(self, url: str, *, timeout: float = 30) -> None:
        self.url = url
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **how: Any) -> requests.Response:
        how = {"timeout": self.timeout, "allow_redirects": False, **how}
        return self.session.get(self.url + path, **how)

    def post(self, path: str, data: Any = None, **how: Any) -> requests.Response:
        """Send a form of the page `page` (the path itself) with its CSRF token."""
        page = self.get(how.pop("page", path)).text
        found = _TOKEN.search(page)
        assert found, page[:300]
        headers = {"X-CSRFToken": found[1], "Referer": self.url, **how.pop("headers", {})}
        how = {"timeout": self.timeout, "allow_redirects": False, **how}
        return self.session.post(self.url + path, data=data, headers=headers, **how)

    def sign_in(self, user: str) -> None:
        answer = self.post("/account/sign-in/", {"username": user, "password": PASSWORD})
        assert answer.status_code == 302, answer.text

    def send(
        self, content: bytes, name: str = "file.csv", *, timeout: float = 30, **options: str
    ) -> requests.Response:
        """Upload as a script does: 202 with the job's number when it was taken."""
        return self.post(
            "/imports/upload/",
            options,
            files={"file": (name, content)},
            headers={"Accept": "application/json"},
            page="/imports/",
            timeout=timeout,
        )

    def upload(
        self, content: bytes, name: str = "file.csv", *, timeout: float = 30, **options: str
    ) -> int:
        answer = self.send(content, name, timeout=timeout, **options)
        assert answer.status_code == 202, answer.text
        job: int = answer.json()["job_id"]
        return job

    def cancel(self, job: int) -> None:
        self.post(f"/imports/{job}/cancel/", page="/imports/")

    def delete_all(self) -> int:
        """Delete every product; returns the number of the operation."""
        return self._operation("/products/delete-all/", {"phrase": "delete all products"})

    def undo(self, change_set: int) -> int | None:
        """Undo a change set; returns the operation's number, None for one that was done at once."""
        answer = self.post(f"/activity/{change_set}/undo/", page="/products/")
        return _operation_of(answer)

    def act(self, action: str, **selection: Any) -> int | None:
        """One action on the products `ids`, or on `all` of a `query`; as `undo`."""
        form = {"action": action, "confirm": "1", **selection}
        return _operation_of(self.post("/products/bulk/", form, page="/products/"))

    def _operation(self, path: str, form: Any) -> int:
        operation = _operation_of(self.post(path, form))
        assert operation is not None
        return operation

    def cancel_operation(self, operation: int) -> None:
        self.post(f"/products/operations/{operation}/cancel/", page="/products/")


def _operation_of(answer: requests.Response) -> int | None:
    assert answer.status_code == 302, answer.text[:300]
    found = _OPERATION.fullmatch(answer.headers["Location"])
    return int(found[1]) if found else None
