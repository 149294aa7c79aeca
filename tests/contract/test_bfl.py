"""What we serve under /v1 against BFL's own documents, where they lie beside the project."""

import json
from pathlib import Path

import pytest

from fluxtune.api.app import create_app
from fluxtune.api.contract import create_contract_app
from fluxtune.config import load_settings
from fluxtune.contract.catalogue import ENDPOINTS

FOLDER = Path(__file__).parents[3] / "shared" / "bfl"
DOCUMENTS = ("openapi-2025-01.json", "openapi-2026-04.json")
RULES = ("minimum", "maximum", "multipleOf", "enum", "minLength", "maxLength", "type", "format", "default")
OTHERWISE = {
    # Ours is stricter or says more, each for a reason.
    ("width", "default"): "0 means left open; it is null here, and 0 is accepted",
    ("height", "default"): "as the width",
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    studio = create_app(load_settings(tmp_path_factory.mktemp("studio")))
    document = create_contract_app(studio).openapi()
    studio.state.database.close()
    return document


@pytest.fixture(params=DOCUMENTS)
def theirs(request):
    file = FOLDER / request.param
    if not file.is_file():
        pytest.skip("BFL's documents are not beside the project")
    return json.loads(file.read_text(encoding="utf-8"))


def resolved(document, schema):
    """Return a schema without references, and of alternatives with null the other one."""
    while "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], **rest}
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        others = [each for each in schema["anyOf"] if each.get("type") != "null"]
        schema = {**resolved(document, others[0]), **rest, "nullable": len(others) < len(schema["anyOf"])}
    return schema


def shared_operations(ours, theirs):
    """Yield what both serve: path, method, our operation, their operation."""
    for path, operations in theirs["paths"].items():
        known = ours["paths"].get(path.removeprefix("/v1"), {})
        for method, operation in operations.items():
            if method in known:
                yield path, method, known[method], operation


def body_of(document, operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return resolved(document, content["schema"]) if content else None


def test_all_finetuning_routes_of_2025_are_served(ours, theirs):
    asked = {path for path in theirs["paths"] if "finetune" in path}
    served = {f"/v1{path}" for path in ours["paths"]}
    assert asked <= served
    assert {f"/v1/{each.name}" for each in ENDPOINTS} <= served


def differences(name, wanted, given):
    """Return the rules of a field that are not the same; more allowed values than theirs are fine."""
    if wanted.get("nullable") and not given.get("nullable"):
        yield f"{name}: null is refused"
    for rule in RULES:
        if rule not in wanted or (name, rule) in OTHERWISE or wanted[rule] == given.get(rule):
            continue
        if rule != "enum" or not set(wanted[rule]) <= set(given.get(rule, [])):
            yield f"{name}: {rule} is {wanted[rule]} there and {given.get(rule)} here"


def test_requests_have_the_same_fields_and_ranges(ours, theirs):
    compared = 0
    different: list[str] = []
    for path, _, mine, other in shared_operations(ours, theirs):
        expected, found = body_of(theirs, other), body_of(ours, mine)
        if expected is None:
            continue
        compared += 1
        if set(expected.get("required", [])) != set(found.get("required", [])):
            different.append(f"{path}: {expected.get('required')} are required there, {found.get('required')} here")
        for name, schema in expected["properties"].items():
            given = resolved(ours, found["properties"].get(name, {}))
            different += [f"{path} {each}" for each in differences(name, resolved(theirs, schema), given)]
    assert compared >= 5
    assert not different, different


def test_answers_have_the_same_required_fields(ours, theirs):
    different = []
    for path, method, mine, other in shared_operations(ours, theirs):
        expected = other["responses"]["200"].get("content", {}).get("application/json", {}).get("schema")
        if not expected:
            continue
        found = resolved(ours, mine["responses"]["200"]["content"]["application/json"]["schema"])
        for each in expected.get("anyOf", [expected]):
            wanted = resolved(theirs, each)
            missing = set(wanted.get("required", [])) - set(found["properties"])
            if missing:
                different.append((path, method, missing))
        assert "422" in mine["responses"], path
    assert not different, different


def test_statuses_are_theirs(ours, theirs):
    expected = theirs["components"]["schemas"]["StatusResponse"]["enum"]
    found = resolved(ours, ours["components"]["schemas"]["ResultResponse"]["properties"]["status"])
    assert set(found["enum"]) == set(expected)


def test_query_parameters_are_theirs(ours, theirs):
    for path, _, mine, other in shared_operations(ours, theirs):
        expected = {each["name"] for each in other.get("parameters", []) if each["in"] == "query"}
        found = {each["name"] for each in mine.get("parameters", []) if each["in"] == "query"}
        assert expected <= found, path


def test_the_key_is_sent_as_there(ours, theirs):
    assert set(theirs["components"]["securitySchemes"]) == set(ours["components"]["securitySchemes"])
    for path, _, mine, other in shared_operations(ours, theirs):
        assert mine["security"] or not other.get("security"), path


def test_our_document_is_served_without_a_key_and_apart_from_the_studios(ours):
    assert "/finetune" in ours["paths"]
    studio = json.loads((Path(__file__).parents[2] / "openapi.json").read_text(encoding="utf-8"))
    assert not [path for path in studio["paths"] if path.startswith("/v1")]
