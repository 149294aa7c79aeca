"""kill -9 of the worker during 100 hosted images: none is paid twice, none is lost without being listed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient

from fluxtune.config import Settings
from fluxtune.hosted.places import SENDING_AT_ONCE
from tests.bfl_server import KEY, BflServer
from tests.hosting import ask

COUNT, EACH = 4, 25
KILLS = (40,)
"""After so many accepted requests, counted over all workers."""
PATIENCE_S = 60


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until
        time.sleep(0.002)


def test_nothing_is_paid_twice_and_nothing_is_lost(client: TestClient, settings: Settings, server: BflServer) -> None:
    environment = {
        **os.environ, "FLUXTUNE_HOSTED__KEY": KEY, "FLUXTUNE_HOSTED__SERVER": server.url,
        "FLUXTUNE_HOSTED__REGION": "server", "FLUXTUNE_WORKER__POLL_SECONDS": "0.01",
    }  # fmt: skip
    settings.hosted.key = SecretStr(KEY)
    settings.hosted.server, settings.hosted.region = server.url, "server"
    server.seconds = 0.02
    generations = [ask(client, count=EACH, seed=1000 * number) for number in range(COUNT)]

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-m", "fluxtune.worker", str(settings.data)], env=environment)

    def shown(generation: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = client.get(f"/api/generations/{generation['id']}").json()
        return answer

    def is_over() -> bool:
        return all(shown(each)["state"] in ("succeeded", "failed") for each in generations)

    for moment in KILLS:
        worker = start()
        wait_until(lambda: len(server.tasks) >= moment)  # noqa: B023 - called before the next round
        worker.kill()
        worker.wait()
    worker = start()
    try:
        wait_until(is_over)
    finally:
        worker.kill()
        worker.wait()

    lines = client.get("/api/hosted/ledger", params={"limit": 500}).json()["lines"]
    states = Counter(line["state"] for line in lines)
    assert len(lines) == COUNT * EACH
    assert set(states) <= {"delivered", "unknown"}, states
    assert states["unknown"] <= SENDING_AT_ONCE * len(KILLS)
    # Nothing is paid twice: each image has a seed of its own.
    paid = Counter(task["body"]["seed"] for task in server.tasks.values())
    assert set(paid.values()) == {1}
    # Nothing is lost: what was accepted is in the gallery once, or in the list of what nobody knows.
    delivered = {line["task_id"] for line in lines if line["state"] == "delivered"}
    assert delivered <= set(server.tasks)
    assert len(client.get("/api/gallery/ids").json()) == len(delivered) == states["delivered"]
    assert len(server.tasks) - len(delivered) <= states["unknown"]
    listed = client.get("/api/hosted/not-delivered", params={"limit": 500}).json()["lines"]
    assert len(listed) == states["unknown"]
    for each in generations:
        assert shown(each)["state"] == ("failed" if shown(each)["cost"]["owed"] else "succeeded")
