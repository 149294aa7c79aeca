"""Wherever the studio talks to an address that somebody gave: no redirect, no detour, no second look-up."""

import ast
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

import fluxtune
from fluxtune.alerts import service as alerts
from fluxtune.alerts.telling import AlertTeller, webhook_shape
from fluxtune.backends.fluxtune.client import ServerClient
from fluxtune.backends.vision.client import VisionClient, VisionFailed, VisionTarget
from fluxtune.config import Settings
from fluxtune.core.errors import FluxtuneError
from fluxtune.db import Database
from fluxtune.webhooks.sender import WebhookSender
from fluxtune.webhooks.tables import DeliveryRow

SOURCES = Path(fluxtune.__file__).parent
TALKERS = {
    "backends/bfl/client.py", "backends/fluxtune/client.py", "backends/vision/client.py", "client/http.py",
    "client/running.py", "webhooks/sender.py",
}  # fmt: skip
"""Files that open connections by HTTP; a new one is looked at by somebody, and gets its test here."""

CHECKING = {"webhooks/sender.py", "backends/vision/client.py"}
"""Those that connect to the very address that was checked."""


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody on to another place of its own, and notes who came."""

    came: list[str]

    def _answer(self) -> None:
        self.came.append(self.path)
        self.send_response(302)
        self.send_header("location", "/inside")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = _answer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that only redirects: its address, and the paths that were asked for."""
    came: list[str] = []
    handler = type("Handler", (Redirecting,), {"came": came})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", came
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_caption_server_can_t_send_us_on(elsewhere: tuple[str, list[str]]) -> None:
    url, came = elsewhere
    target = VisionTarget(url=url, connect_url=f"{url}/v1", host_header="x.example", sni=None, model="m", key="sk-1")
    with VisionClient(target, timeout_s=5) as client, pytest.raises(VisionFailed, match="302"):
        client.describe(b"", "say", 10)
    assert came == ["/v1"]


def test_another_studio_can_t_send_us_on(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    url, came = elsewhere
    client = ServerClient("far", url, "token", timeout_s=5)
    with pytest.raises(FluxtuneError):
        client.download_adapter("1", tmp_path / "a.safetensors", None, lambda _: None)
    with pytest.raises(FluxtuneError):
        client.result("1")
    client.close()
    assert came
    assert "/inside" not in came
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::ffff:127.0.0.1", "fd00::1"])
def test_alerts_go_to_public_addresses_only(
    settings: Settings, database: Database, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("A connection was opened.")

    monkeypatch.setattr(httpx2.Client, "stream", never)
    settings.alerts.webhook_url = "https://alerts.example/"
    with database.transaction() as session:
        alerts.raise_(session, "job-failed", "A job failed", "It did.")
    AlertTeller(settings, database).tell()
    asked: list[str] = []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [address]

    sender = WebhookSender(settings, database, look_up=look_up, shapes={"alert.raised": webhook_shape()})
    assert sender.send_next()
    assert asked == ["alerts.example"]
    with database.reading() as session:
        (row,) = session.query(DeliveryRow).all()
    assert row.state == "waiting"
    assert "an address of this computer or its own network" in (row.last_error or "")


def test_no_other_library_opens_any() -> None:
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"urllib.request", "requests", "http.client", "aiohttp", "httpx"} & set(names), file


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield file.relative_to(SOURCES).as_posix(), ast.unparse(node.func), node


def test_nobody_else_opens_connections_and_nobody_follows() -> None:
    found = set()
    for file, name, call in _calls():
        options = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert options.get("follow_redirects", "False") == "False", file
        if name in ("httpx2.Client", "httpx2.AsyncClient", "httpx2.get", "httpx2.post", "httpx2.request"):
            found.add(file)
            if file in CHECKING:
                assert options.get("trust_env") == "False", f"{file}: a proxy would look the name up once more"
    assert found <= TALKERS
    assert found >= CHECKING
