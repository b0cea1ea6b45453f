"""A real Chromium in front of the running product."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.faults.harness import Site

# What Playwright switches off, of which the last list counts alone, and the menu under the address
# bar: two pages of the browser's own for each window, three times the work of the window itself.
SWITCHED_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
)  # fmt: skip
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(SWITCHED_OFF)}",
]
# Given up by the browser itself when it leaves a page or takes a download.
LEFT = "net::ERR_ABORTED"
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
"""

Visit = Callable[..., Page]

# A machine that is busy with other tests takes longer than Playwright's 5 s.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Closed when the package is left: its event loop would keep Django's ORM from working."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "install Chromium, or name it by CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Complaints:
    """What a page did wrong without showing it: errors of scripts, policy and network."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.expected: tuple[str, ...] = ()

    def watch(self, context: BrowserContext) -> None:
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", lambda message: self._say(message.type == "error", message.text))
        context.on("weberror", lambda error: self._say(True, str(error.error)))
        context.on("requestfailed", self._failed)
        context.on("response", lambda got: self._say(got.status >= 400, f"{got.status} {got.url}"))

    def _failed(self, request: Any) -> None:
        self._say(request.failure != LEFT, f"{request.failure} {request.url}")

    def _say(self, wrong: bool, text: str) -> None:
        if wrong and not any(words in text for words in self.expected):
            self.found.append(text)


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def visit(site: Site, chromium: Browser, complaints: Complaints) -> Iterator[Visit]:
    """`visit(user="editor", **options of the context)`: a page of somebody who is signed in.

    After the test nothing may have gone wrong in any of them but `complaints.expected`.
    """
    site.trust_valkey()
    contexts: list[BrowserContext] = []

    def open_page(user: str = "editor", **options: Any) -> Page:
        context = chromium.new_context(base_url=site.url, **options)
        contexts.append(context)
        context.set_default_timeout(30_000)
        complaints.watch(context)
        if user:
            session = site.browser(user).session.cookies
            context.add_cookies(
                [
                    {"name": each.name, "value": each.value or "", "url": site.url}
                    for each in session
                ]
            )
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.found == []


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit()
