"""Hosted images come while the device is busy, many generations at once, and never more than the account may have."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient

from fluxtune.config import Settings
from fluxtune.jobs import service
from tests.bfl_server import KEY, BflServer
from tests.hosting import ask
from tests.makers import state_of

PROGRAM = Path(__file__).with_name("lanes_program.py")


def test_hosted_images_wait_for_no_training(client: TestClient, settings: Settings, server: BflServer) -> None:
    settings.hosted.key = SecretStr(KEY)
    settings.hosted.server, settings.hosted.region = server.url, "server"
    server.seconds = 0.1
    environment = {
        **os.environ, "FLUXTUNE_HOSTED__KEY": KEY, "FLUXTUNE_HOSTED__SERVER": server.url,
        "FLUXTUNE_HOSTED__REGION": "server", "PYTHONPATH": str(Path(__file__).parents[3]),
    }  # fmt: skip
    with state_of(client).database.transaction() as session:
        training = service.enqueue(session, "finetune", "f", "Finetune “Rex”", {}).id
        waiting = service.enqueue(session, "finetune", "g", "Finetune “Max”", {}).id
    generations = [ask(client, count=2, seed=10 * number) for number in range(20)]
    worker = subprocess.Popen([sys.executable, str(PROGRAM), str(settings.data)], env=environment)

    def shown(generation: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = client.get(f"/api/generations/{generation['id']}").json()
        return answer

    try:
        until = time.monotonic() + 60
        while {shown(each)["state"] for each in generations} != {"succeeded"}:
            assert time.monotonic() < until, [shown(each) for each in generations]
            time.sleep(0.05)
        jobs = {job["id"]: job for job in client.get("/api/jobs").json()}
        assert jobs[training]["state"] == "running"
        assert (jobs[waiting]["state"], jobs[waiting]["waiting_for"]) == ("queued", "Finetune “Rex”")
        assert {jobs[each["job_id"]]["lane"] for each in generations} == {"network"}
        assert client.get("/api/system").json()["worker"]["device_holder"] == "Finetune “Rex”"
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
    assert 6 < server.most_active <= 24
    assert len(server.tasks) == 40
    assert client.get(f"/api/jobs/{training}").json()["state"] == "queued", "it was handed back"
