"""Where each value of a studio's settings comes from.

Of several places that name a setting the first wins: an argument of the program (`--port`), the environment, the file,
the browser (kept in the database), the default. What the first three say can't be changed in the browser: whoever runs
the computer decided it, and a container started anew must find what its file says.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Source = Literal["default", "browser", "file", "environment", "argument"]


class Origins:
    """What is known of the values of one `Settings` object: who gave them, and what lies beneath the browser's."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.given: dict[str, Source] = {}
        # Of each setting the browser changed: the value it had without that.
        self.beneath: dict[str, Any] = {}
        # Changed in the browser, but only read when the program starts.
        self.waiting: set[str] = set()

    def note(self, source: Source, values: Mapping[str, Any], model: type[BaseModel]) -> None:
        """Remember that a source named these values; what a stronger source named before stays its own."""
        for key, _owner, _info in leaves(model):
            if key not in self.given and _holds(values, key.split(".")):
                self.given[key] = source

    def source_of(self, key: str) -> Source:
        """Return where the value of a setting comes from."""
        return self.given.get(key) or ("browser" if key in self.beneath else "default")


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel], FieldInfo]]:
    """Return every setting within a group and the groups in it: its key (`server.port`), its group and its field."""
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", model, info


def _holds(values: Any, path: list[str]) -> bool:
    for name in path:
        if isinstance(values, BaseModel):
            values = {each: getattr(values, each) for each in values.model_fields_set}
        if not isinstance(values, Mapping) or name not in values:
            return False
        values = values[name]
    return True
