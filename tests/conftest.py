"""One running product for all tests that need real processes, in each process of pytest."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import Site


@pytest.fixture(scope="session")
def running_site() -> Iterator[Site]:
    # Not in the folder of mkdtemp's own mode: as root, PostgreSQL runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="product-importer-site-"))
    folder.chmod(0o711)
    site = Site(folder)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The product, running, without products and imports."""
    running_site.reset()
    yield running_site
    running_site.close_browsers()
