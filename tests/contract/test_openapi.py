"""The contract with browser UI and client: openapi.json is current and complete."""

import inspect
import json
import re

import pytest

from fluxtune.client import Client
from tools import openapi

PROBLEM = "#/components/schemas/Problem"


@pytest.fixture(scope="module")
def current():
    return openapi.schema_text()


@pytest.fixture(scope="module")
def operations(current):
    paths = json.loads(current)["paths"]
    return {(method.upper(), path): operation for path, item in paths.items() for method, operation in item.items()}


def test_committed_contract_is_current(current):
    assert openapi.FILE.read_text(encoding="utf-8") == current, "Run `make openapi` and commit openapi.json."


def test_every_route_has_a_summary_and_a_description(operations):
    silent = [key for key, each in operations.items() if not each.get("summary") or not each.get("description")]
    assert not silent, f"Give these a summary and a docstring of one sentence: {silent}"


def test_every_route_says_how_it_can_fail(operations):
    silent = []
    for key, operation in operations.items():
        takes_input = "{" in key[1] or operation.get("requestBody") or operation.get("parameters")
        failures = [status for status in operation["responses"] if status.startswith(("4", "5"))]
        if takes_input and not failures:
            silent.append(key)
    assert not silent, f"Declare the problems these answer with: {silent}"


def test_failures_are_problems(operations):
    wrong = []
    for key, operation in operations.items():
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and PROBLEM not in json.dumps(response):
                wrong.append((*key, status))
    assert not wrong, f"These do not answer with a Problem: {wrong}"


def test_client_calls_only_routes_that_exist(operations):
    """Every address in the client's source is a route of the contract."""
    known = {(method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path in operations}
    source = inspect.getsource(Client)
    calls = re.findall(r"\"(GET|POST|PATCH|DELETE)\", f?\"(/api/[^\"]*)\"", source)
    assert len(calls) > 25
    unknown = [(method, path) for method, path in calls if (method, re.sub(r"\{[^}]*\}", "{}", path)) not in known]
    assert not unknown, f"The client calls what the API does not have: {unknown}"
