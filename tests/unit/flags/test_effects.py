"""Every flag does what it says, over HTTP, where the browser and the command line ask, too."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fluxtune.flags.registry import FLAGS

KLEIN = "bfl:flux-2-klein-4b"
FLEX = "bfl:flux-2-flex"
IMAGE = "0" * 32


@pytest.fixture
def studio(hosted: TestClient) -> Iterator[TestClient]:
    """A studio with hosted models, whose flags are as by default afterwards."""
    yield hosted
    for name in FLAGS:
        hosted.delete(f"/api/flags/{name}")


def switch_off(client: TestClient, *names: str) -> None:
    for name in names:
        assert client.put(f"/api/flags/{name}", json={"state": "off"}).status_code == 200


def estimate(client: TestClient, **body: Any) -> Any:
    return client.post("/api/generations/estimate", json={"model_id": KLEIN, "prompt": "a cat", "count": 1} | body)


@pytest.mark.parametrize(
    ("name", "refused", "field"),
    [
        ("hosted-backends", {}, "model_id"),
        ("experimental-endpoints", {"model_id": "bfl:flux-2-pro-preview"}, "model_id"),
        ("batch-generation", {"count": 2}, "count"),
        ("advanced-parameters", {"model_id": FLEX, "steps": 20}, "steps"),
        ("advanced-parameters", {"parameters": {"safety_tolerance": 5}}, "safety_tolerance"),
        ("image-prompts", {"parameters": {"input_image": IMAGE}}, "input_image"),
        ("image-prompts", {"model_id": "bfl:flux-tools/deblur-v1"}, "model_id"),
        ("prompt-upsampling", {"model_id": FLEX, "parameters": {"prompt_upsampling": True}}, "prompt_upsampling"),
        ("prompt-upsampling", {"model_id": "bfl:flux-2-pro", "parameters": {"disable_pup": False}}, "disable_pup"),
        ("high-resolution", {"width": 2048, "height": 1024}, "width"),
        ("high-resolution", {"model_id": "bfl:flux-3-image", "parameters": {"resolution": "4k"}}, "resolution"),
        ("high-resolution", {"model_id": "bfl:flux-pro-1.1-ultra"}, "model_id"),
    ],
)
def test_what_is_off_is_refused_of_hosted_models(
    studio: TestClient, name: str, refused: dict[str, Any], field: str
) -> None:
    before = estimate(studio, **refused)
    assert "flag-off" not in before.text
    switch_off(studio, name)
    answer = estimate(studio, **refused)
    assert answer.status_code == 403, answer.text
    problem = answer.json()
    assert problem["type"] == "/errors/flag-off"
    assert FLAGS[name].title in problem["detail"]  # type: ignore[index]
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("off", "body"),
    [
        ("batch-generation", {"count": 1}),
        ("experimental-endpoints", {}),
        ("high-resolution", {"width": 1024, "height": 1024}),
        ("high-resolution", {"model_id": "bfl:flux-3-image"}),
        ("advanced-parameters", {"width": 512, "height": 512, "seed": 7, "parameters": {"safety_tolerance": 2}}),
        ("image-prompts", {}),
        ("v1-server", {}),
    ],
)
def test_the_rest_goes_on(studio: TestClient, off: str, body: dict[str, Any]) -> None:
    switch_off(studio, off)
    answer = estimate(studio, **body)
    assert answer.status_code == 200, answer.text


def test_without_upsampling_models_are_told_to_leave_the_prompt(studio: TestClient) -> None:
    switch_off(studio, "prompt-upsampling")
    asked = {}
    for model in (FLEX, "bfl:flux-2-pro"):
        answer = studio.post("/api/generations", json={"model_id": model, "prompt": "a cat", "count": 1})
        assert answer.status_code == 201, answer.text
        asked[model] = answer.json()["parameters"]
    assert asked[FLEX]["prompt_upsampling"] is False
    assert asked["bfl:flux-2-pro"]["disable_pup"] is True


def test_without_batches_one_image_is_made_unless_more_are_asked_for(studio: TestClient) -> None:
    switch_off(studio, "batch-generation")
    answer = studio.post("/api/generations", json={"model_id": KLEIN, "prompt": "a cat"})
    assert len(answer.json()["slots"]) == 1


@pytest.mark.parametrize(
    ("name", "body"), [("batch-generation", {"count": 2}), ("advanced-parameters", {"guidance": 3.0})]
)
def test_what_is_off_is_refused_of_models_here(studio: TestClient, name: str, body: dict[str, Any]) -> None:
    switch_off(studio, name)
    answer = studio.post("/api/generations", json={"model_id": "pocket", "prompt": "a cat", "count": 1} | body)
    assert (answer.status_code, answer.json()["type"]) == (403, "/errors/flag-off")


def test_finetunes_take_only_the_three_choices(studio: TestClient) -> None:
    sample = studio.get("/api/samples").json()[0]["name"]
    dataset = studio.post("/api/datasets", json={"sample": sample}).json()["id"]
    body: dict[str, Any] = {"dataset_id": dataset, "quality": "draft"}
    switch_off(studio, "advanced-parameters")
    assert studio.post("/api/finetunes/plans", json=body).status_code == 200
    body["recipe"] = {"rank": 4}
    for address in ("/api/finetunes/plans", "/api/finetunes", "/api/finetunes/probes"):
        answer = studio.post(address, json=body)
        assert answer.status_code == 403, answer.text
        assert answer.json()["errors"][0]["field"] == "recipe.rank"


def test_no_captioner_writes(studio: TestClient) -> None:
    sample = studio.get("/api/samples").json()[0]["name"]
    dataset = studio.post("/api/datasets", json={"sample": sample}).json()["id"]
    switch_off(studio, "automatic-captions")
    answer = studio.post(f"/api/datasets/{dataset}/captions/jobs", json={"captioner": "pocket", "scope": "all"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/errors/flag-off")


def test_the_v1_server_answers_nobody(studio: TestClient) -> None:
    token = studio.post("/api/tokens", json={"name": "program"}).json()["token"]
    key = {"x-key": token}
    assert studio.get("/v1/credits", headers=key).status_code == 200
    switch_off(studio, "v1-server")
    for address in ("/v1/credits", "/v1/my_finetunes", "/v1/fluxtune"):
        answer = studio.get(address, headers=key)
        assert answer.status_code == 403
        assert "/v1 server" in answer.json()["detail"]


def test_nothing_is_asked_of_bfl(studio: TestClient) -> None:
    switch_off(studio, "hosted-backends")
    assert studio.get("/api/deployments/at-bfl").json()["type"] == "/errors/flag-off"


def test_what_is_off_is_not_listed(studio: TestClient) -> None:
    def listed() -> dict[str, Any]:
        return {model["id"]: model for model in studio.get("/api/hosted/models").json()}

    before = listed()
    off = "experimental-endpoints", "image-prompts", "prompt-upsampling", "high-resolution", "advanced-parameters"
    switch_off(studio, *off)
    after = listed()
    gone = {"bfl:flux-2-pro-preview", "bfl:flux-tools/deblur-v1", "bfl:flux-pro-1.1-ultra"}
    assert gone <= set(before) - set(after)
    assert set(after[FLEX]["parameters"]["properties"]) == {"prompt", "width", "height", "seed"}
    assert (after[FLEX]["image_fields"], after[FLEX]["max_images"]) == ([], 0)
    switch_off(studio, "hosted-backends")
    assert listed() == {}
