"""One server per data folder, on this computer only, found through `studio.json`."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from fluxtune.api import server
from fluxtune.api.app import load_api
from fluxtune.api.server import AddressRefused, Studio, StudioRunning, open_socket
from fluxtune.config import Settings
from fluxtune.config.settings import DEFAULT_PORT
from fluxtune.storage import is_locked


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    studio = Studio(settings, "127.0.0.1", 0)
    is_loaded = threading.Event()
    thread = threading.Thread(target=studio.run, kwargs={"with_worker": False, "on_loaded": is_loaded.set})
    thread.start()
    assert is_loaded.wait(60)
    yield studio
    studio.stop()
    thread.join()


def test_it_is_found_by_its_file(studio: Studio, settings: Settings) -> None:
    file = settings.paths.studio_file
    assert file.stat().st_mode & 0o777 == 0o600
    record = json.loads(file.read_text())
    headers = {"authorization": f"Bearer {record['token']}"}
    answer = httpx2.get(f"{record['url']}/api/session", headers=headers, trust_env=False)
    assert answer.json()["actor"] == "local owner"
    studio.stop()
    until = time.monotonic() + 30
    while file.exists() or is_locked(settings.paths.server_lock):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_printed_address_signs_in(studio: Studio) -> None:
    with httpx2.Client(trust_env=False, follow_redirects=True) as browser:
        browser.get(studio.sign_in_url())
        assert browser.get(f"{studio.url}/api/session").status_code == 200


def test_pages_are_served_while_the_api_is_loaded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = threading.Event()

    def load_late(app: FastAPI) -> None:
        may_load.wait(60)
        load_api(app)

    monkeypatch.setattr(server, "load_api", load_late)
    studio = Studio(settings, "127.0.0.1", 0)
    is_ready = threading.Event()
    thread = threading.Thread(target=studio.run, kwargs={"with_worker": False, "on_ready": is_ready.set})
    thread.start()
    assert is_ready.wait(60)
    try:
        with httpx2.Client(trust_env=False, base_url=studio.url, timeout=60) as browser, ThreadPoolExecutor(1) as other:
            answer = other.submit(httpx2.get, f"{studio.url}/healthz", trust_env=False, timeout=60)
            assert browser.get("/").status_code in (200, 503)  # 503: a page that says how to build the pages
            assert not answer.done()
            assert not settings.paths.studio_file.exists()
            may_load.set()
            assert answer.result(60).json()["status"] == "ok"
    finally:
        may_load.set()
        studio.stop()
        thread.join()


def test_an_api_that_cannot_be_loaded_ends_the_studio(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_app: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(server, "load_api", break_down)
    studio = Studio(settings, "127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="broken"):
        studio.run(with_worker=False)
    assert not is_locked(settings.paths.server_lock)


def test_a_second_one_names_the_first(studio: Studio, settings: Settings) -> None:
    if not settings.is_local:  # servers of one PostgreSQL share the folder
        second = Studio(settings, "127.0.0.1", 0)
        assert second.url != studio.url
        second.stop()
        return
    with pytest.raises(StudioRunning) as refusal:
        Studio(settings, "127.0.0.1", 0)
    assert studio.url in refusal.value.detail


def test_answers_are_sent_without_waiting_for_acknowledgements():
    async def delays_of_an_accepted_connection() -> int:
        found = asyncio.get_running_loop().create_future()

        async def accepted(_reader, writer):
            option = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            found.set_result(option)
            writer.close()

        listener = open_socket("127.0.0.1", 0)
        async with await asyncio.start_server(accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            option = await found
            writer.close()
        return option

    assert asyncio.run(delays_of_an_accepted_connection()) != 0


def test_a_refused_start_holds_nothing(settings: Settings) -> None:
    taken = open_socket("127.0.0.1", 0)
    with pytest.raises(AddressRefused) as refusal:
        Studio(settings, "127.0.0.1", taken.getsockname()[1])
    assert "--port" in refusal.value.action
    assert not is_locked(settings.paths.server_lock)
    taken.close()


def test_where_others_reach_it_people_sign_in(settings: Settings) -> None:
    studio = Studio(settings, "0.0.0.0", 0)
    assert studio.url.startswith("http://127.0.0.1:")  # what commands on this computer use
    is_ready = threading.Event()
    thread = threading.Thread(target=studio.run, kwargs={"with_worker": False, "on_ready": is_ready.set})
    thread.start()
    try:
        assert is_ready.wait(60)
        first = studio.sign_in_url()
        assert "token=" in first
        assert "administrator" in studio.welcome(first)
        with httpx2.Client(trust_env=False, follow_redirects=True, base_url=studio.url) as browser:
            assert browser.get("/api/session/ways").json() == {"is_team": True, "needs_administrator": True}
            browser.get(first)
            body = {"email": "ada@x.test", "name": "Ada", "password": "four quiet geese walk"}
            assert browser.post("/api/people/first", json=body).status_code == 201
        assert studio.sign_in_url() == studio.url
        assert "password" in studio.welcome(studio.url)
    finally:
        studio.stop()
        thread.join()


def test_the_default_port_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = open_socket("127.0.0.1", 0)
    monkeypatch.setattr("fluxtune.api.server.DEFAULT_PORT", taken.getsockname()[1])
    other = open_socket("127.0.0.1", taken.getsockname()[1])
    assert other.getsockname()[1] != taken.getsockname()[1]
    other.close()
    taken.close()
    assert DEFAULT_PORT == 7860


def test_the_server_never_loads_what_is_heavy() -> None:
    program = (
        "import sys, fluxtune.api.server, fluxtune.api.app; "
        "print([name for name in ('torch', 'diffusers', 'transformers', 'numpy', 'dbos') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_sigterm_ends_server_and_worker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fluxtune", "serve", "--port", "0", "--no-open", "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        while "token=" not in server.stdout.readline():
            assert server.poll() is None
        until = time.monotonic() + 120
        while not is_locked(tmp_path / "data" / "worker.lock"):
            assert time.monotonic() < until
            time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        assert server.wait(120) == 0
    assert not is_locked(tmp_path / "data" / "worker.lock")
    assert not (tmp_path / "data" / "studio.json").exists()
