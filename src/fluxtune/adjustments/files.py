"""Settings as a TOML file, the same that `fluxtune.toml` is."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from fluxtune.adjustments.errors import SettingsFileUnreadable


def write_file(values: Mapping[str, Any], note: str) -> str:
    """Return settings (key → plain JSON value) as TOML, a table for every group; null can't be written in TOML."""
    groups: dict[str, list[str]] = {}
    for key, value in sorted(values.items()):
        group, _, name = key.rpartition(".")
        if value is not None:
            groups.setdefault(group, []).append(f"{name} = {_toml(value)}")
    lines = [f"# {line}" for line in note.splitlines()]
    for group, members in sorted(groups.items()):
        lines += ["", f"[{group}]", *members]
    return "\n".join(lines) + "\n"


def read_file(text: str, groups: Mapping[str, object]) -> dict[str, Any]:
    """Return the settings of a TOML file by their keys; `groups` are the names tables may have.

    A table that is no group stays a value. Raises `SettingsFileUnreadable` with line and column of the first error.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsFileUnreadable(f"{error}.") from error
    return dict(_flat(document, "", groups))


def _flat(table: Mapping[str, Any], path: str, groups: Mapping[str, object]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        key = f"{path}{name}"
        is_group = key in groups or any(each.startswith(f"{key}.") for each in groups)
        found += _flat(value, f"{key}.", groups) if isinstance(value, dict) and is_group else [(key, value)]
    return found


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_toml(name)} = {_toml(each)}" for name, each in value.items() if each is not None) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, str):
        # A JSON string is a TOML string, but for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
