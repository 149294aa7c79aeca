"""Parameters declared once: forms, CLI options, API schema and docs come from these fields."""

from typing import Any, Literal

from pydantic import Field

Level = Literal["basic", "more", "expert"]


def parameter(
    default: Any,
    title: str,
    text: str,
    *,
    level: Level = "more",
    group: str = "Settings",
    unit: str | None = None,
    **limits: Any,
) -> Any:
    """Return a pydantic field that carries all a form needs: title, help, level, group, unit, limits."""
    extra: dict[str, Any] = {"level": level, "group": group}
    if unit:
        extra["unit"] = unit
    return Field(default, title=title, description=text, json_schema_extra=extra, **limits)
