"""kill -9 of anything, in the middle of a finetune: it ends, once, with the very adapter it would have had."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.kill.studio import END_S, RealStudio, wait_for

STEPS = 90
RECIPE = {"steps": STEPS, "checkpoint_every": 10, "sample_every": 0, "resolution": 64, "batch_size": 1, "rank": 4}


def start_finetune(studio: RealStudio) -> dict[str, Any]:
    sample = studio.get("/api/samples")[0]["name"]
    dataset = studio.post("/api/datasets", {"sample": sample})
    body = {"dataset_id": dataset["id"], "quality": "draft", "recipe": RECIPE}
    finetune: dict[str, Any] = studio.post("/api/finetunes", body)
    return finetune


def wait_for_step(studio: RealStudio, finetune_id: str, step: int) -> None:
    def reached() -> bool:
        finetune = studio.get(f"/api/finetunes/{finetune_id}")
        assert finetune["state"] not in ("failed", "cancelled", "paused", "succeeded"), finetune
        return finetune["state"] == "running" and finetune["step"] >= step

    wait_for(f"step {step}", reached, END_S)


def new_process(look: Any, old: psutil.Process | None) -> psutil.Process | None:
    found: psutil.Process | None = look()
    return found if found != old else None


def assert_not_running_without_owner(studio: RealStudio, job_id: str) -> None:
    """While no worker lives, no job may be shown as running."""
    while studio.worker() is None:
        before = studio.worker()
        job = studio.get(f"/api/jobs/{job_id}")
        if before is None and studio.worker() is None:
            assert job["state"] == "queued", job
            assert job["phase"] == "recovering", job
        time.sleep(0.02)


def train_undisturbed(run_dir: Path, target: Path) -> Path:
    """Train the same run in one go, without a studio."""
    target.mkdir()
    shutil.copy(run_dir / "run.json", target)
    shutil.copytree(run_dir / "snapshot", target / "snapshot")
    subprocess.run([sys.executable, "-m", "fluxtune.engine", "train", str(target)], check=True, timeout=END_S)
    return target


def test_a_finetune_survives_the_death_of_everything(studio: RealStudio, dice: random.Random, tmp_path: Path) -> None:
    finetune = start_finetune(studio)
    job_id, run_dir = finetune["job_id"], studio.data / "runs" / finetune["id"]
    wait_for_step(studio, finetune["id"], dice.randint(1, 6))

    # The worker: the trainer does not notice, the next worker joins it.
    worker, trainer = studio.worker(), studio.trainer()
    assert worker is not None
    assert trainer is not None
    studio.kill(worker)
    assert_not_running_without_owner(studio, job_id)
    wait_for("a new worker", lambda: new_process(studio.worker, worker))
    wait_for("the job running again", lambda: studio.get(f"/api/jobs/{job_id}")["state"] == "running")
    assert studio.trainer() == trainer

    # The trainer: started again from its last checkpoint, while the server dies: the next one adopts the worker.
    wait_for_step(studio, finetune["id"], dice.randint(11, 19))
    worker = studio.worker()
    studio.kill(trainer)
    studio.kill(studio.server())
    studio.start()
    assert studio.worker() == worker
    trainer = wait_for("a new trainer", lambda: new_process(studio.trainer, trainer))

    # All of them at once.
    wait_for_step(studio, finetune["id"], dice.randint(30, 60))
    studio.kill(studio.server(), studio.worker(), trainer)
    assert studio.processes() == []
    studio.start()

    wait_for("the end", lambda: studio.get(f"/api/jobs/{job_id}")["state"] not in ("queued", "running"), END_S)
    assert_ended_once(studio, finetune["id"], job_id)
    assert_same_adapter(run_dir, train_undisturbed(run_dir, tmp_path / "undisturbed"))


def assert_ended_once(studio: RealStudio, finetune_id: str, job_id: str) -> None:
    finetune = studio.get(f"/api/finetunes/{finetune_id}")
    assert finetune["state"] == "succeeded", finetune
    types = [event["type"] for event in studio.events(job_id)]
    assert types.count("job.succeeded") == 1
    assert types[-1] == "job.succeeded"
    assert [point["step"] for point in studio.get(f"/api/finetunes/{finetune_id}/loss")] == list(range(1, STEPS + 1))
    models = [model for model in studio.get("/api/models", kind="finetuned") if model["finetune_id"] == finetune_id]
    assert len(models) == 1
    assert len(models[0]["versions"]) == 1


def assert_same_adapter(run_dir: Path, undisturbed: Path) -> None:
    """Compare bit for bit; only the order of the header's entries is left to chance by the format's library."""
    header, weights = read_adapter(run_dir / "adapter.safetensors")
    expected_header, expected_weights = read_adapter(undisturbed / "adapter.safetensors")
    assert header == expected_header
    assert weights == expected_weights


def read_adapter(file: Path) -> tuple[dict[str, Any], bytes]:
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]
