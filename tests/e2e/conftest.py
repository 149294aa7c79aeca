"""A real server on a free port, a real Chromium, and eyes on everything that must not happen."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from fluxtune.client import Client
from tests.places import ONE_THREAD, Places
from tools.browser import ADVICE, find_browser

LAUNCH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Two busy cores draw a page in some seconds; what takes longer is a fault.
PATIENCE_MS = 20_000
LOCAL = {"127.0.0.1", "localhost", ""}

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    program = find_browser()
    if program is None:
        pytest.fail(ADVICE, pytrace=False)
    return {**browser_type_launch_args, "executable_path": program, "args": LAUNCH}


@pytest.fixture(scope="module")
def browser(browser_type_launch_args: dict) -> Iterator[Browser]:
    """A browser for one module: while Playwright runs, its event loop does, and no test after it could have its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**browser_type_launch_args)
        yield browser
        browser.close()


@dataclass
class Server:
    """A running `fluxtune serve` and a client of it."""

    url: str
    token: str
    data: Path
    client: Client

    def link(self) -> str:
        """Return an address that signs one browser in."""
        return self.client.sign_in_link()


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    """What a module's studio is told by its environment; nothing unless the module says so."""
    return {}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, studio_settings: dict[str, str], places: Places
) -> Iterator[Server]:
    """The studio as a user starts it, on an empty data folder."""
    folder = tmp_path_factory.mktemp("studio") / "data"
    places.prepare(folder)
    with running_studio(folder, studio_settings) as server:
        yield server


@contextmanager
def running_studio(data: Path, studio_settings: dict[str, str]) -> Iterator[Server]:
    """Run `fluxtune serve` on a data folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLUXTUNE_")}
    environment |= ONE_THREAD | studio_settings
    log = (data.parent / "serve.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "fluxtune", "serve", "--port", "0", "--no-open", "--data", str(data)],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        record = _wait_for_address(process, data / "studio.json", log)
        with Client(record["url"], record["token"]) as client:
            yield Server(record["url"], record["token"], data, client)
    finally:
        process.terminate()
        process.wait(120)
        log.close()


def _wait_for_address(process: subprocess.Popen, file: Path, log) -> dict:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if file.is_file():
            return json.loads(file.read_text())
        time.sleep(0.05)
    log.seek(0)
    pytest.fail(f"The studio did not start:\n{log.read()}", pytrace=False)


@dataclass
class Watch:
    """What a page did that it must not do."""

    allowed: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        if not any(part in what for part in self.allowed):
            self.seen.append(what)

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.note(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", lambda response: self._status(response.status, response.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.note(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https", "ws", "wss"):
            host = urlsplit(request.url).hostname or ""
            if host not in LOCAL:
                self.note(f"request to another computer: {request.url}")

    def _status(self, status: int, url: str) -> None:
        if status >= 500:
            self.note(f"{status} from {url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test when the page logged an error, broke, or called another computer."""
    watching = Watch()
    yield watching
    assert not watching.seen, "\n".join(watching.seen)


@pytest.fixture
def new_page(browser: Browser, server: Server, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens pages of further browsers, each watched; keywords are those of `Browser.new_context`."""
    contexts: list[BrowserContext] = []

    def open_page(**options) -> Page:
        context = browser.new_context(
            **{
                "base_url": server.url,
                "viewport": {"width": 1440, "height": 900},
                "reduced_motion": "reduce",
                **options,
            }
        )
        context.set_default_timeout(PATIENCE_MS)
        context.set_default_navigation_timeout(3 * PATIENCE_MS)
        watch.listen(context)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page], server: Server) -> Page:
    """A page of a browser that is signed in, at Home."""
    opened = new_page()
    opened.goto(server.link())
    return opened
