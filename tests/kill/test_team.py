"""Two servers and three workers on PostgreSQL are one studio; a killed worker's run is taken over once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kill.studio import END_S, wait_for
from tests.kill.team import Team
from tests.places import Places, PostgreSql

STEPS = 40
CHECKPOINTS = 10
RECIPE = {
    "steps": STEPS, "checkpoint_every": CHECKPOINTS, "sample_every": 0, "resolution": 64, "batch_size": 1, "rank": 4,
}  # fmt: skip


@pytest.fixture
def team(tmp_path: Path, places: Places) -> Iterator[Team]:
    """A team on a PostgreSQL server, whatever the other tests run on."""
    own = None
    if places.prepare(tmp_path / "data") is None:
        own = PostgreSql()
        (tmp_path / "data").mkdir(exist_ok=True)
        with (tmp_path / "data" / "fluxtune.toml").open("a") as file:
            file.write(f'database_url = "{own.create()}"\n[engine]\nhealth_after_runs = false\n')
    team = Team(tmp_path / "data")
    try:
        team.start()
        yield team
    finally:
        team.stop()
        if own is not None:
            own.stop()


def test_a_killed_workers_run_is_taken_over_once_from_its_last_checkpoint(team: Team) -> None:
    wait_for("three workers", lambda: len(team.workers()) == 3)
    dataset = team.post("/api/datasets", {"sample": team.get("/api/samples")[0]["name"]})
    body = {"dataset_id": dataset["id"], "quality": "draft", "recipe": RECIPE}
    finetune = team.post("/api/finetunes", body)
    url = f"/api/finetunes/{finetune['id']}"

    # What the first server was told, the second one knows.
    (other,) = team.others
    wait_for("a checkpoint and some steps", lambda: other.get(url).json()["step"] > CHECKPOINTS + 2, END_S)
    trainer = team.trainer()
    assert trainer is not None
    worker = trainer.parent()
    assert worker is not None
    assert "worker" in worker.cmdline()
    team.kill(worker, trainer)
    assert len(team.workers()) == 2

    ended = ("succeeded", "failed", "cancelled", "paused")
    wait_for("the end", lambda: other.get(url).json()["state"] in ended, END_S)
    assert team.get(url)["state"] == "succeeded"
    story = team.events(finetune["job_id"])
    types = [event["type"] for event in story]
    assert types.count("job.started") == 2, "taken over once"
    assert types.count("job.succeeded") == 1
    recovering = [each for each in story if each["data"].get("phase") == "recovering"]
    assert len(recovering) == 1
    log = (team.data / "runs" / finetune["id"] / "events.jsonl").read_text().splitlines()
    starts = [event["data"]["resumed_from"] for event in map(json.loads, log) if event["type"] == "run.started"]
    assert len(starts) == 2
    assert starts[1] >= CHECKPOINTS
    assert starts[1] % CHECKPOINTS == 0
    assert [point["step"] for point in team.get(f"{url}/loss")] == list(range(1, STEPS + 1)), "no step twice, none lost"
    (model,) = [each for each in team.get("/api/models", kind="finetuned") if each["finetune_id"] == finetune["id"]]
    assert len(model["versions"]) == 1
