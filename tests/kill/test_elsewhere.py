"""kill -9 of everything here while another computer trains: its run goes on, is found again, and comes here once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kill.studio import END_S, RealStudio, wait_for
from tests.kill.test_finetune import RECIPE, read_adapter
from tests.places import Places


@pytest.fixture
def far(tmp_path: Path, places: Places) -> Iterator[RealStudio]:
    """The studio of the other computer."""
    places.prepare(tmp_path / "far")
    far = RealStudio(tmp_path / "far")
    far.start()
    try:
        yield far
    finally:
        far.stop()


def weights_of(studio: RealStudio, model_id: str) -> bytes:
    """Return the numbers of a model's one version; its header also says where it was trained."""
    (file,) = (studio.data / "models" / model_id).rglob("*.safetensors")
    return read_adapter(file)[1]


def test_a_finetune_elsewhere_survives_the_death_of_everything_here(studio: RealStudio, far: RealStudio) -> None:
    token = far.post("/api/tokens", {"name": "laptop"})["token"]
    server = studio.post("/api/servers", {"name": "gpu", "url": far.url, "token": token})
    dataset = studio.post("/api/datasets", {"sample": studio.get("/api/samples")[0]["name"]})
    body = {"dataset_id": dataset["id"], "server_id": server["id"], "base": "pocket", "quality": "draft"}
    started = studio.post("/api/finetunes", body | {"recipe": RECIPE})

    def there() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = far.get("/api/finetunes")
        return found

    wait_for("steps over there", lambda: there() and there()[0]["step"] >= 3, END_S)
    studio.kill(*studio.processes())
    step = there()[0]["step"]
    wait_for("more steps while nobody follows", lambda: there()[0]["step"] > step, END_S)
    studio.start()

    def ended() -> dict[str, Any] | None:
        finetune: dict[str, Any] = studio.get(f"/api/finetunes/{started['id']}")
        return finetune if finetune["state"] not in ("queued", "running") else None

    finetune = wait_for("the end", ended, END_S)
    assert (finetune["state"], finetune["step"]) == ("succeeded", RECIPE["steps"]), finetune
    (run,) = there()
    assert finetune["remote_id"] == run["id"]
    types = [event["type"] for event in studio.events(finetune["job_id"])]
    assert types.count("job.succeeded") == 1
    (model,) = [one for one in studio.get("/api/models") if one["finetune_id"] == finetune["id"]]
    assert weights_of(studio, model["id"]) == weights_of(far, run["model_id"])
