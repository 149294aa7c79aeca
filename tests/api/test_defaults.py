"""What finetunes and images start from, by mode, as the settings say; what is given goes before it."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from fluxtune.backends.local import readiness
from fluxtune.generations import service
from tests.makers import add_dataset, add_model, state_of
from tests.zoo import make_base


@pytest.fixture
def studio(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A studio with one base and an engine, whose defaults for products are its own."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    monkeypatch.setattr(service, "require_engine", lambda: None)
    make_base(state_of(client).settings.paths.bases)
    own = {"base": "tiny", "quality": "best", "recipe": {"rank": 5}, "count": 2, "finetune_strength": 0.7}
    values = {f"defaults.product.{name}": value for name, value in own.items()}
    answer = client.patch("/api/settings", json={"values": values | {"defaults.general.steps": 3}})
    assert answer.status_code == 200, answer.text
    return client


def plan(client: TestClient, **more: Any) -> Any:
    answer = client.post("/api/finetunes/plans", json=more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def draw(client: TestClient, **more: Any) -> Any:
    answer = client.post("/api/generations", json={"model_id": "tiny", "prompt": "a cat"} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_finetune_starts_from_the_defaults_of_its_mode(studio: TestClient) -> None:
    dataset = add_dataset(studio)["id"]
    with_defaults = plan(studio, dataset_id=dataset, mode="product")
    same = plan(studio, dataset_id=dataset, mode="product", base="tiny", quality="best", recipe={"rank": 5})
    assert with_defaults["recipe"] == same["recipe"]
    assert (with_defaults["recipe"]["rank"], with_defaults["changed"]) == (5, [])
    assert "default for product" in with_defaults["reasons"]["rank"]
    own = plan(studio, dataset_id=dataset, mode="product", quality="draft", recipe={"rank": 7})
    assert (own["recipe"]["rank"], own["changed"]) == (7, ["rank"])
    assert "; 5 would be usual" in own["reasons"]["rank"]
    assert own["recipe"]["steps"] < with_defaults["recipe"]["steps"]
    assert plan(studio, dataset_id=dataset, mode="style", base="tiny")["recipe"]["rank"] != 5


def test_images_start_from_the_defaults_of_the_models_mode(studio: TestClient, tmp_path: Path) -> None:
    model = add_model(studio, tmp_path, mode="product")
    made = draw(studio, model_id=model.id)
    assert (len(made["slots"]), made["finetune_strength"], made["steps"]) == (2, 0.7, 8)
    given = draw(studio, model_id=model.id, count=1, finetune_strength=1.0)
    assert (len(given["slots"]), given["finetune_strength"]) == (1, 1.0)
    of_base = draw(studio)
    assert (len(of_base["slots"]), of_base["steps"], of_base["finetune_strength"]) == (4, 3, 1.0)


def test_a_size_the_base_cannot_draw_is_left_to_it(studio: TestClient) -> None:
    for width, expected in ((64, 64), (2048, 128)):
        studio.patch("/api/settings", json={"values": {"defaults.general.width": width}})
        assert draw(studio)["width"] == expected
    assert draw(studio, height=64)["width"] == 128


def test_defaults_are_shown_and_checked(studio: TestClient) -> None:
    shown = studio.get("/api/settings/defaults").json()
    assert (shown["product"]["quality"], shown["style"]["quality"]) == ("best", "balanced")
    for name, value in (("recipe", {"rank": 0}), ("recipe", {"no": 1}), ("width", 100), ("quality", "great")):
        answer = studio.patch("/api/settings", json={"values": {f"defaults.style.{name}": value}})
        assert answer.status_code == 422, (name, value)
        assert answer.json()["errors"][0]["field"] == f"defaults.style.{name}"
