"""Both APIs, asked everything they say they take and much that they don't: they may refuse, they may not break down."""

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as property_settings
from schemathesis.generation import GenerationMode

from tests.contract.filled import ENDLESS, Filled, filled_studio
from tests.contract.hostile import IDS, mutations
from tests.places import Places

PER_ROUTE = 8
"""Hostile requests to each route, always the same ones; there are ten thousand, of which all were tried once."""
ORDER = ("get", "patch", "put", "post", "delete")
"""Last what takes away what others ask for."""
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, places: Places) -> Iterator[Filled]:
    """One studio for all of this; its log would be longer than the rest of the output."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    with filled_studio(tmp_path_factory.mktemp("filled"), places) as filled:
        yield filled
    structlog.configure(**before)


def _drop(*_: object) -> Any:
    raise structlog.DropEvent


@pytest.fixture(scope="module", params=["", "/v1"], ids=["studio", "contract"])
def api(request: pytest.FixtureRequest, studio: Filled) -> tuple[str, dict[str, Any]]:
    """The prefix and the description of an API."""
    prefix: str = request.param
    document = studio.client.get(f"{prefix or '/api'}/openapi.json").json()
    return prefix, document


def operations(document: dict[str, Any]) -> list[Operation]:
    """Return method, path and description of all routes that end."""
    found = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        if path not in ENDLESS
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda each: (ORDER.index(each[0]), each[1]))


def hostile_requests(
    document: dict[str, Any], operation: Operation, ids: dict[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Yield addresses and bodies for a route."""
    _, path, described = operation
    good = path.format(**ids)
    for name in ids:
        for hostile in IDS:
            yield path.format(**ids | {name: hostile}), b""
    queries = [each for each in described.get("parameters", ()) if each["in"] == "query"]
    for query in queries:
        for hostile in (*IDS, "NaN", "1e999", "9223372036854775808", ""):
            yield f"{good}?{query['name']}={hostile}", b""
    body = described.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        for content in mutations(document, body["schema"]):
            yield good, content
    else:
        yield good, b""


def test_hostile_requests(studio: Filled, api: tuple[str, dict[str, Any]]) -> None:
    prefix, document = api
    for operation in operations(document):
        method, path, _ = operation
        every = list(hostile_requests(document, operation, studio.path_parameters(path)))
        rng = random.Random(f"{method} {path}")
        for url, content in rng.sample(every, min(PER_ROUTE, len(every))):
            headers = {"content-type": "application/json"} if content else {}
            studio.send(f"{method} {path}", method, prefix + url, content=content, headers=headers)
    studio.require_whole()


def test_everything_it_says_it_takes(studio: Filled, api: tuple[str, dict[str, Any]]) -> None:
    """Schemathesis: right and wrong requests by the description, to things that are there."""
    prefix, document = api
    schema = schemathesis.openapi.from_asgi(
        f"{prefix or '/api'}/openapi.json",
        studio.client.app,
        headers=dict(studio.client.headers) | {"host": "127.0.0.1"},
    )
    for method, path, described in operations(document):
        if not described.get("requestBody") and not described.get("parameters"):
            continue
        operation = schema[path][method.upper()]
        ids = studio.path_parameters(path)
        for mode, count in ((GenerationMode.POSITIVE, 2), (GenerationMode.NEGATIVE, 1)):
            takes = described.get("requestBody") or [p for p in described["parameters"] if p["in"] != "path"]
            if takes or mode is GenerationMode.POSITIVE:
                _ask(studio, operation.as_strategy(generation_mode=mode, path_parameters=ids), prefix, count)
    studio.require_whole()


def _ask(studio: Filled, cases: Any, prefix: str, count: int) -> None:
    @seed(20261123)
    @property_settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(cases)
    def ask(case: Any) -> None:
        options: dict[str, Any] = case.as_transport_kwargs(base_url="http://127.0.0.1:7860")
        options.pop("cookies", None)
        if isinstance(options.get("data"), bytes):
            options["content"] = options.pop("data")
        for name in ("x-key", "authorization", "X-Key", "Authorization"):
            options["headers"].pop(name, None)  # signed in is who asks, in every case
        options["url"] = re.sub(r"(?<=:7860)(?!/(v1|api|healthz|readyz|metrics)\b)", prefix, options["url"])
        studio.send(case.operation.label, options.pop("method"), options.pop("url"), **options)

    ask()


def test_most_was_understood(studio: Filled) -> None:
    """Requests that are all refused at the door would show nothing."""
    assert studio.answers.get(200, 0) > 40, studio.answers
    assert sum(studio.answers.values()) > 500
