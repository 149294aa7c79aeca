"""The table of endpoints, also against BFL's own descriptions of its API where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fluxtune.backends.bfl.endpoints import ENDPOINTS, EndpointMissing, EndpointRetired, find_endpoint, require_usable
from fluxtune.deployments.schemas import DeploymentLink

DOCUMENTS = Path(__file__).parents[5] / "shared" / "bfl"
NOT_OURS = {"webhook_url", "webhook_secret", "user", "input_image_blob_path"}
LATER = {"disable_pup"}
"""Fields that BFL added after its document of April 2026."""
USABLE = [endpoint for endpoint in ENDPOINTS if endpoint.is_usable]


def described(name: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of the request bodies in one of BFL's documents, by path."""
    file = DOCUMENTS / name
    if not file.is_file():
        pytest.skip("BFL's documents are not in this copy")
    document = json.loads(file.read_text())
    found = {}
    for path, operations in document["paths"].items():
        body = operations.get("post", {}).get("requestBody")
        if body:
            ref = body["content"]["application/json"]["schema"]["$ref"]
            found[path] = document["components"]["schemas"][ref.rsplit("/", 1)[1]]
    return found


def limits(schema: dict[str, Any]) -> dict[str, Any]:
    """Return range and kind of one property, written the same way for both."""
    inner = next(each for each in schema.get("anyOf", [schema]) if each.get("type") != "null")
    merged = {**schema, **inner}
    return {name: merged[name] for name in ("type", "minimum", "maximum", "multipleOf") if name in merged}


def default_of(schema: dict[str, Any]) -> Any:
    return schema.get("default") or None  # BFL writes 0 where it means: automatic


def test_everything_bfl_describes_is_declared() -> None:
    paths = set(described("openapi-2026-04.json")) - {"/v1/delete_finetune"}
    assert paths <= {endpoint.path for endpoint in USABLE}
    old = set(described("openapi-2025-01.json")) - {"/v1/delete_finetune", "/v1/finetune"}
    assert old <= {endpoint.path for endpoint in ENDPOINTS}


@pytest.mark.parametrize("endpoint", USABLE, ids=lambda endpoint: endpoint.name)
def test_parameters_are_those_bfl_describes(endpoint: Any) -> None:
    described_schemas = described("openapi-2026-04.json")
    if endpoint.path not in described_schemas:
        pytest.skip("newer than BFL's document")
    theirs = described_schemas[endpoint.path]
    ours = endpoint.parameters.model_json_schema()
    assert set(theirs["properties"]) - NOT_OURS == set(ours["properties"]) - LATER
    assert set(ours.get("required", [])) == set(theirs.get("required", []))
    for name in set(theirs["properties"]) - NOT_OURS:
        mine, yours = ours["properties"][name], theirs["properties"][name]
        assert default_of(mine) == default_of(yours), name
        if name != "output_format":
            wanted = limits(yours)
            assert {key: limits(mine).get(key) for key in wanted} == wanted, name


def test_names_are_unique_and_replacements_exist() -> None:
    assert len({endpoint.name for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert len(endpoint.model_id) <= 64
        if endpoint.lifecycle.replaced_by:
            assert find_endpoint(endpoint.lifecycle.replaced_by).is_usable
        if not endpoint.is_usable:
            assert endpoint.lifecycle.replaced_by
            assert endpoint.lifecycle.since


@pytest.mark.parametrize("endpoint", USABLE, ids=lambda endpoint: endpoint.name)
def test_every_parameter_has_what_a_form_needs(endpoint: Any) -> None:
    for name, info in endpoint.parameters.model_fields.items():
        assert info.title, name
        assert info.description, name
        assert {"level", "group"} <= set(info.json_schema_extra), name
    assert endpoint.price.source
    assert endpoint.price.estimate({}) > 0


def test_a_retired_endpoint_says_what_replaces_it() -> None:
    with pytest.raises(EndpointRetired) as caught:
        require_usable("bfl:flux-pro-finetuned")
    assert "2025-10-31" in caught.value.detail
    assert "bfl:flux-2-klein-9b-finetuned" in caught.value.action


def test_an_unknown_endpoint() -> None:
    with pytest.raises(EndpointMissing):
        require_usable("bfl:flux-9")


@pytest.mark.parametrize(
    ("name", "values", "credits_"),
    [
        ("flux-2-pro", {}, 3.0),
        ("flux-2-pro", {"width": 1024, "height": 1024}, 3.0),
        ("flux-2-pro", {"width": 2048, "height": 1024}, 4.5),
        ("flux-2-pro", {"width": 1408, "height": 1408}, 4.5),
        ("flux-2-klein-4b", {"width": 2048, "height": 2048}, 1.7),
        ("flux-2-klein-4b", {"width": 64, "height": 64}, 1.4),
        ("flux-3-image", {"resolution": "4k"}, 60.7),
        ("flux-3-image", {"resolution": "new tier"}, 60.7),
        ("flux-kontext-max", {"aspect_ratio": "16:9"}, 8.0),
    ],
)
def test_prices(name: str, values: dict[str, Any], credits_: float) -> None:
    price = find_endpoint(name).price
    assert price is not None
    assert price.estimate(values) == credits_


def test_references_cost_too() -> None:
    price = find_endpoint("flux-2-pro").price
    assert price is not None
    assert price.estimate({}, input_mp=1.0) == 4.5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("flux-2-pro", {"prompt": "a", "width": 4096, "height": 4096}),
        ("flux-2-pro", {"prompt": "a", "width": 100, "height": 64}),
        ("flux-2-pro", {"prompt": "a", "negative_prompt": "b"}),
        ("flux-2-pro", {}),
        ("flux-kontext-pro", {"prompt": "a", "aspect_ratio": "30:9"}),
        ("flux-kontext-pro", {"prompt": "a", "aspect_ratio": "0:0"}),
        ("flux-kontext-pro", {"prompt": "a", "aspect_ratio": "²:1"}),
        ("flux-3-image", {"prompt": "a", "seed": 1}),
        ("flux-3-image", {"prompt": "a", "images": []}),
        ("flux-2-klein-9b-finetuned", {"prompt": "a", "finetune_id": "../../etc"}),
    ],
)
def test_what_bfl_would_refuse_is_refused_here(name: str, values: dict[str, Any]) -> None:
    model = find_endpoint(name).parameters
    assert model is not None
    with pytest.raises(ValidationError):
        model.model_validate(values)


def test_capabilities_follow_from_the_parameters() -> None:
    pro, fill, flux3 = map(find_endpoint, ("flux-2-pro", "flux-pro-1.0-fill", "flux-3-image"))
    assert (pro.max_images, pro.needs_image, pro.has_seed, pro.takes_finetune) == (8, False, True, False)
    assert (fill.image_fields, fill.needs_image) == (("image", "mask"), True)
    assert (flux3.max_images, flux3.has_seed) == (10, False)
    assert find_endpoint("flux-kontext-max").active_tasks == 6


@pytest.mark.parametrize("name", ["rex", "a-1_b", "9f0c2d1e-0000-4000-8000-000000000000", "acme.inc/rex"])
def test_every_name_a_model_can_have_there_can_be_drawn_with(name: str) -> None:
    DeploymentLink(finetune_id=name)
    for endpoint in USABLE:
        if endpoint.takes_finetune:
            needed = {each: "0" * 32 for each in endpoint.image_fields if endpoint.needs_image}
            endpoint.parameters.model_validate({"prompt": "x", "finetune_id": name, **needed})  # type: ignore[union-attr]
