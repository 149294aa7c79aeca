"""Every setting as it was declared: what pages, commands and files need to show one and to change it."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, cast, get_args

import structlog
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from fluxtune.config.origins import leaves
from fluxtune.config.settings import Settings

log = structlog.get_logger(__name__)

SECRET_SHOWN = "••••••••"  # noqa: S105 - stands for a secret
_PASSWORD = re.compile(r"^([a-z0-9+]+://[^:@/]*:)[^@/]*@")
_UNITS = {"seconds": "s", "bytes": "bytes", "days": "days", "hours": "h", "minutes": "min", "cents": "cents"}


@dataclass(frozen=True)
class Declared:
    """One setting. `key` is its address in the file: group, dot, name."""

    key: str
    owner: type[BaseModel]
    info: FieldInfo

    @property
    def group(self) -> str:
        """The first part of its key; of what belongs to no group, nothing."""
        return self.key.rpartition(".")[0]

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.info.title or self.key.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return "FLUXTUNE_" + self.key.upper().replace(".", "__")

    @property
    def unit(self) -> str | None:
        """What its number counts, by the end of its name; None where it counts things."""
        return _UNITS.get(self.key.rpartition("_")[2])

    @property
    def is_secret(self) -> bool:
        """Return whether it is kept encrypted and never shown."""
        return self.info.annotation is SecretStr or SecretStr in get_args(self.info.annotation)

    @property
    def has_password(self) -> bool:
        """Return whether its value is an address that may hold a password."""
        return self.key.endswith("_url")

    @property
    def is_fixed(self) -> bool:
        """Return whether it is needed before the database is open, so that it can't be kept there."""
        return "." not in self.key or bool(self._extra.get("fixed"))

    @property
    def needs_restart(self) -> bool:
        """Return whether it is read when the program starts, and not again."""
        return self.is_fixed or bool(self._extra.get("restart"))

    @property
    def level(self) -> Literal["basic", "expert"]:
        """Return whether few ever need it."""
        return "expert" if self._extra.get("level") == "expert" else "basic"

    @property
    def labels(self) -> dict[str, str]:
        """What its choices are called, by their values."""
        return cast("dict[str, str]", self._extra.get("labels", {}))

    @property
    def picks(self) -> Literal["bases"] | None:
        """What its value is picked from, where that is not known before the program runs."""
        return cast("Literal['bases'] | None", self._extra.get("picks"))

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its value."""
        return self._adapter.json_schema()

    def parse(self, value: Any) -> Any:
        """Return a plain JSON value as the setting's own type; raise `ValueError` saying what is wrong with it."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            raise ValueError("; ".join(_sentence(each) for each in error.errors())) from error

    def plain(self, value: Any) -> Any:
        """Return a value as plain JSON; a secret as it is."""
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return self._adapter.dump_python(value, mode="json")

    @property
    def default(self) -> Any:
        """Its value where nobody says otherwise."""
        return self.info.get_default(call_default_factory=True)

    @property
    def _extra(self) -> dict[str, Any]:
        extra = self.info.json_schema_extra
        return cast("dict[str, Any]", extra) if isinstance(extra, dict) else {}

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        # `None` is no constraint: without any, `Annotated` would not be one.
        kind: Any = Annotated[self.info.annotation, None, *self.info.metadata]
        return TypeAdapter(kind)


def without_password(url: str | None) -> str | None:
    """Return an address with dots for the password it holds."""
    return _PASSWORD.sub(rf"\1{SECRET_SHOWN}@", url) if url else url


def group_words(group: str) -> tuple[str, str]:
    """Return a group's title, and what its settings are for."""
    model: type[BaseModel] = Settings
    title = "Where everything lies"
    for name in group.split(".") if group else []:
        info = model.model_fields[name]
        model = cast("type[BaseModel]", info.annotation)
        title = info.title or name.replace("_", " ").capitalize()
    return title, inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0] if group else ""


@cache
def declared_settings() -> dict[str, Declared]:
    """Return all settings by their keys, in the order of the file."""
    return {key: Declared(key, owner, info) for key, owner, info in leaves(Settings)}


def read(settings: Settings, key: str) -> Any:
    """Return the value of a setting."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def adjust(settings: Settings, values: Mapping[str, Any], *, is_start: bool = False) -> set[str]:
    """Make the browser's values, and no others of the browser, hold in these settings; return the keys that changed.

    `values` are all there are, as plain JSON. What arguments, environment or file name stays theirs, and so does,
    unless this `is_start`, what is read only at the start. Whoever holds the settings, or a group of them, sees the
    new values at once: groups are changed in place.
    """
    origins, changed = settings.origins, set()
    wanted = {key: value for key, value in values.items() if key not in origins.given}
    origins.waiting = set()
    for key in [*wanted, *(key for key in origins.beneath if key not in wanted)]:
        declared = declared_settings().get(key)
        if declared is None or declared.is_fixed:
            continue
        now = read(settings, key)
        try:
            new = declared.parse(wanted[key]) if key in wanted else origins.beneath[key]
        except ValueError as error:
            # Kept by another version of the program, which allowed more.
            log.warning("a setting kept in the database is not acceptable; its usual value is used", setting=key,
                        reason=str(error))  # fmt: skip
            continue
        if declared.needs_restart and not is_start and new != now:
            origins.waiting.add(key)
            continue
        _mark(settings, key, key in wanted, now)
        if new != now:
            _write(settings, key, new)
            changed.add(key)
    return changed


def _mark(settings: Settings, key: str, is_adjusted: bool, now: Any) -> None:
    if is_adjusted:
        settings.origins.beneath.setdefault(key, now)
    else:
        del settings.origins.beneath[key]


def _write(settings: Settings, key: str, value: Any) -> None:
    group, _, name = key.rpartition(".")
    setattr(read(settings, group), name, value)


def _sentence(error: Any) -> str:
    where = ".".join(str(each) for each in error["loc"] if each not in ("function-after", "nullable"))
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    text = f"Must be {message}" if str(error["msg"]).startswith("Input should be ") else message
    return f"{where}: {text}" if where else text
