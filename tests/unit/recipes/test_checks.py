"""Every setting of a recipe is refused out of its range, of a wrong kind and empty, each under its own name."""

import math
from typing import Any

import pytest

from fluxtune.engine.config import Recipe
from fluxtune.recipes.checks import find_problems

PROPERTIES: dict[str, dict[str, Any]] = Recipe.model_json_schema()["properties"]
WRONG_KIND: Any = {"a": "mapping"}


def bad_values(schema: dict[str, Any]) -> list[Any]:
    """Return values a setting must not take: one beyond each of its limits, and of other kinds."""
    values: list[Any] = [WRONG_KIND]
    branches = schema.get("anyOf", [schema])
    if not any(branch.get("type") == "null" for branch in branches):
        values.append(None)
    for branch in branches:
        unit = 1 if branch.get("type") == "integer" else 1e-6
        if "minimum" in branch:
            values.append(branch["minimum"] - unit)
        if "maximum" in branch:
            values.append(branch["maximum"] + unit)
        values += [branch[limit] for limit in ("exclusiveMinimum", "exclusiveMaximum") if limit in branch]
        if branch.get("type") == "number":
            values += [math.nan, math.inf, -math.inf, "much"]
        elif branch.get("type") == "integer":
            values += [1.5, 10**30, "many"]
        elif "enum" in branch:
            values += ["nothing of this", "", 7]
        elif branch.get("type") == "boolean":
            values += [2, "perhaps"]
        elif branch.get("type") == "array":
            values += ["a", [WRONG_KIND], [None]]
        if branch.get("multipleOf"):
            values.append(branch["minimum"] + branch["multipleOf"] + 1)
    return values


CASES = [(name, value) for name, schema in PROPERTIES.items() for value in bad_values(schema)]


def test_every_setting_has_a_limit() -> None:
    assert {name for name, schema in PROPERTIES.items() if len(bad_values(schema)) > 2} == set(Recipe.model_fields)


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}-{value}" for name, value in CASES])
def test_out_of_range(name: str, value: Any) -> None:
    found = find_problems({name: value})
    assert found, f"{name} may be {value}"
    for problem in found:
        assert problem.field == f"recipe.{name}" or problem.field.startswith(f"recipe.{name}.")
        assert problem.message.endswith(".")
