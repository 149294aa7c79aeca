"""A program written for BFL's Finetuning API in 2025, with only the host changed, against a real studio."""

import base64
import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from fluxtune.datasets import concepts
from tests.kill.studio import END_S, RealStudio

POLL_S = 0.25


class OldProgram:
    """Does what the guide of that time showed: it knows a host and a key, and nothing of fluxtune."""

    def __init__(self, host: str, api_key: str) -> None:
        self._http = httpx2.Client(base_url=host, headers={"X-Key": api_key}, timeout=60, trust_env=False)

    def request_finetuning(self, zip_path: Path, comment: str, mode: str, **options: Any) -> str:
        encoded = base64.b64encode(zip_path.read_bytes()).decode("utf-8")
        payload = {"finetune_comment": comment, "mode": mode, "file_data": encoded, **options}
        answer = self._http.post("/v1/finetune", json=payload)
        answer.raise_for_status()
        finetune_id: str = answer.json()["finetune_id"]
        return finetune_id

    def wait(self, task_id: str, url: str = "/v1/get_result") -> dict[str, Any]:
        until = time.monotonic() + END_S
        while time.monotonic() < until:
            answer = self._http.get(url, params={"id": task_id} if "id=" not in url else None)
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
            assert told["id"] == task_id
            if told["status"] != "Pending":
                return told
            time.sleep(POLL_S)
        raise AssertionError(f"{task_id} took more than {END_S:.0f} s")

    def infer(self, endpoint: str, **payload: Any) -> dict[str, Any]:
        answer = self._http.post(f"/v1/{endpoint}", json=payload)
        answer.raise_for_status()
        task = answer.json()
        return self.wait(task["id"], task["polling_url"])

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self._http.get(f"/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **payload: Any) -> Any:
        answer = self._http.post(f"/v1/{path}", json=payload)
        answer.raise_for_status()
        return answer.json()


def pack(target: Path) -> Path:
    """Write a sample concept as such a program had its pictures: a ZIP of images and captions."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in concepts.read_files(concepts.list_concepts()[0].name):
            archive.writestr(file.name, file.stream.read())
    return target


def create_token(data: Path) -> str:
    command = [sys.executable, "-m", "fluxtune", "--data", str(data), "token", "create", "old program"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    return printed.splitlines()[-1]


@pytest.fixture(autouse=True)
def _quick_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the program can't say, what takes least: it asks for no fewer than a hundred steps."""
    recipe = {"resolution": 64, "batch_size": 1, "preservation": 0, "sample_every": 0, "validate_every": 0}
    monkeypatch.setenv("FLUXTUNE_DEFAULTS__CHARACTER__RECIPE", json.dumps(recipe))
    monkeypatch.setenv("FLUXTUNE_DEFAULTS__CHARACTER__STEPS", "4")


@pytest.mark.slow
def test_finetunes_and_fetches_an_image(studio: RealStudio, tmp_path: Path) -> None:
    concept = concepts.list_concepts()[0]
    program = OldProgram(studio.url, create_token(studio.data))
    assert program.get("credits")["credits"] > 0
    finetune_id = program.request_finetuning(
        pack(tmp_path / "images.zip"),
        "my first finetune",
        concept.mode,
        trigger_word=concept.trigger_word,
        iterations=100,
        captioning=True,
        priority="speed",
        finetune_type="full",
        lora_rank=16,
    )
    assert program.get("get_result", id=finetune_id)["status"] == "Pending"
    told = program.wait(finetune_id)
    assert told["status"] == "Ready", told
    assert finetune_id in program.get("my_finetunes")["finetunes"]
    details = program.get("finetune_details", finetune_id=finetune_id)["finetune_details"]
    assert (details["finetune_comment"], details["iterations"]) == ("my first finetune", 100)

    drawn = program.infer(
        "flux-pro-1.1-ultra-finetuned",
        finetune_id=finetune_id,
        finetune_strength=1.2,
        prompt=f"{concept.trigger_word} on a beach",
        seed=7,
        output_format="jpeg",
    )
    assert drawn["status"] == "Ready", drawn
    with httpx2.Client(trust_env=False) as anybody:
        sample = anybody.get(drawn["result"]["sample"])
    assert (sample.status_code, sample.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(sample.content)) as image:
        assert image.format == "JPEG"
        assert image.width > image.height

    # All of it is ordinary in the studio.
    (model,) = studio.get("/api/models", kind="finetuned")
    assert (model["name"], model["finetune_id"]) == ("my first finetune", finetune_id)
    gallery = studio.get("/api/gallery/ids", model_id=model["id"])
    assert len(gallery) == 1
    assert program.post("delete_finetune", finetune_id=finetune_id)["status"] == "success"
    assert program.get("my_finetunes")["finetunes"] == []
    assert studio.get("/api/finetunes", deleted=True)[0]["id"] == finetune_id
