"""A small client of the API. Needs `pip install requests`.

    PRODUCTS_URL=http://127.0.0.1:8000 PRODUCTS_TOKEN=pi_… python api_client.py prices.csv

imports a file, tells how far it is and what came of it. PRODUCTS_TOKEN has the scope "write".
"""

import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import requests


class Product(TypedDict):
    """A product; times are ISO 8601 in UTC, a price is text with two decimals or None."""

    id: int
    sku: str
    name: str
    description: str
    price: str | None
    active: bool
    created_at: str
    updated_at: str


class Problem(Exception):
    """The API refused; `body` holds type, title, status, detail and perhaps errors (RFC 9457)."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body["detail"])
        self.body = body


class Catalog:
    """The products behind one address."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        """One call; too many requests, or an import that is being applied, are waited for.

        Raises:
            Problem: it was refused.
        """
        url = path if path.startswith("http") else f"{self.url}{path}"
        for _ in range(10):
            answer = self.session.request(method, url, timeout=60, **how)
            if answer.ok:
                return answer
            if answer.status_code not in (409, 429) or "Retry-After" not in answer.headers:
                break
            time.sleep(int(answer.headers["Retry-After"]))
        raise Problem(answer.json())

    def products(self, **filters: str) -> Iterator[Product]:
        """All that match, page by page."""
        answer = self.call("GET", "/api/products", params={"limit": "250", **filters})
        while True:
            yield from answer.json()["items"]
            if "next" not in answer.links:
                return
            answer = self.call("GET", answer.links["next"]["url"])

    def create(self, **values: Any) -> Product:
        """Make a product; sent twice, it is made once."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        product: Product = self.call("POST", "/api/products", json=values, headers=key).json()
        return product

    def change(self, product_id: int, **values: Any) -> Product:
        """Change some values, unless somebody else has changed the product meanwhile."""
        path = f"/api/products/{product_id}"
        etag = self.call("GET", path).headers["ETag"]
        answer = self.call("PATCH", path, json=values, headers={"If-Match": etag})
        product: Product = answer.json()
        return product

    def upload(self, file: Path) -> dict[str, Any]:
        """Import a file and wait for its end; prints how far it is."""
        with file.open("rb") as content:
            job = self.call("POST", "/api/upload", files={"file": content}).json()
        while True:
            status: dict[str, Any] = self.call("GET", f"/status/{job['job_id']}").json()
            print(f"{status['progress']:3} % {status['message']}")
            if status["status"] in ("completed", "failed"):
                return status
            time.sleep(1)


if __name__ == "__main__":
    catalog = Catalog(os.environ["PRODUCTS_URL"], os.environ["PRODUCTS_TOKEN"])
    ended = catalog.upload(Path(sys.argv[1]))
    sys.exit(ended["status"] != "completed")
