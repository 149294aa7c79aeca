"""Requests that nobody means well: right in all but one place, which holds what breaks careless programs."""

import json
from collections.abc import Iterator
from typing import Any

TEXTS = ("\x00", "\ud800", "a\x00b\u202e\ufffe", "x" * 20_000, "../../etc/passwd", "%00", "🙂" * 300)
NUMBERS = (2**63, -(2**63) - 1, 10**400, "NaN", "Infinity", "-Infinity", "1e999", -0.0, 0.1, 2**53 + 1)
"""As they stand in JSON; those in quotes are written without them."""
OTHERS: tuple[Any, ...] = (None, True, [], {}, [None], {"\x00": "\ud800"}, [[[[]]]], "", 0, -1)
DEEP = "[" * 20_000 + "]" * 20_000
BODIES = (b"", b"null", b"[]", b"\xff\xfe", b'"\\ud800"', b"NaN", DEEP.encode(), b'{"a":' * 5_000 + b"1" + b"}" * 5_000)
"""Whole bodies."""
IDS = (
    "%00",
    "..%2f..%2fetc%2fpasswd",
    "%ff%fe",
    "%ed%a0%80",
    "a" * 3_000,
    "9" * 400,
    "-1",
    "%0d%0aset-cookie:%20a=b",
    "'%20OR%201=1--",
)
"""What stands in addresses instead of an id."""


def examples(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that a JSON schema allows, with all of its properties that are not too deep."""
    schema = _resolved(document, schema)
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    for key in ("const", "enum", "examples"):
        if key in schema:
            return schema[key] if key == "const" else schema[key][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        needed = schema.get("required", []) if depth > 2 else schema.get("properties", {})
        return {name: examples(document, schema["properties"][name], depth + 1) for name in needed}
    if kind == "array":
        return [examples(document, schema.get("items", {}), depth + 1)] if depth < 3 else []
    plain: dict[Any, Any] = {
        "integer": 1,
        "number": 1.0,
        "boolean": False,
        "string": "a" * max(1, schema.get("minLength", 1)),
    }
    value = plain.get(kind, "a")
    return max(value, schema.get("minimum", value)) if kind in ("integer", "number") else value


def mutations(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[bytes]:
    """Yield bodies for a route: the good one, each place of it with each hostile value, then whole ones."""
    good = examples(document, schema)
    yield written(good)
    for path, value in _places(good):
        fitting: tuple[Any, ...] = TEXTS if isinstance(value, str) else NUMBERS if _is_number(value) else ()
        for hostile in (*fitting, *OTHERS):
            yield written(_replaced(good, path, hostile))
    yield from BODIES


def written(value: Any) -> bytes:
    """Return a value as JSON, with numbers that JSON has no word for."""
    text = json.dumps(value)
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        text = text.replace(f'"{word}"', word)
    return text.encode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in schema:
            found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
        elif "anyOf" in schema or "oneOf" in schema:
            choices = schema.get("anyOf") or schema["oneOf"]
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            schema = {**next((each for each in choices if each.get("type") != "null"), {}), **rest}
        elif "allOf" in schema:
            schema = {**schema["allOf"][0], **{key: value for key, value in schema.items() if key != "allOf"}}
        else:
            return schema


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key), each
        yield from _places(each, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy
