"""Settings as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from fluxtune.config.origins import Source

MAX_FILE = 200_000
"""Characters of a settings file; one with every setting has about eight thousand."""


class Setting(BaseModel):
    """One setting: its value, where that comes from, and whether it can be changed here.

    Of a secret, `value` and `default` are null; `is_set` says whether there is one. `locked` says why it can't be
    changed in the browser, null if it can. `is_waiting`: it was changed and takes effect with the next start.
    """

    key: str
    title: str
    description: str
    level: Literal["basic", "expert"]
    unit: str | None
    labels: dict[str, str] = Field(default={}, description="What its choices are called, by their values.")
    picks: Literal["bases"] | None = Field(default=None, description="What its value is picked from.")
    json_schema: dict[str, Any]
    value: Any
    default: Any
    source: Source
    source_name: str | None = Field(description="The variable or the file; null for other sources.")
    locked: str | None
    variable: str
    needs_restart: bool
    is_waiting: bool
    is_secret: bool
    is_set: bool
    changed_at: datetime | None
    changed_by: str | None


class SettingGroup(BaseModel):
    """Settings that belong together."""

    name: str
    title: str
    description: str
    settings: list[Setting]


class AllSettings(BaseModel):
    """All settings; `revision` is the number of the newest change."""

    revision: int
    file: str
    groups: list[SettingGroup]


class SettingsUpdate(BaseModel):
    """Settings to change, by their keys, and settings to give back to what they were without the browser."""

    values: dict[str, Any] = Field(default_factory=dict, max_length=200)
    reset: list[str] = Field(default_factory=list, max_length=200)


class Change(BaseModel):
    """One setting before and after; null where it had no value from the browser, dots for a secret."""

    key: str
    title: str
    before: Any
    after: Any


class SettingsChange(BaseModel):
    """What somebody changed at once. `undone_by` is the number of the change that took it back."""

    id: int
    kind: Literal["change", "import", "undo"]
    changes: list[Change]
    actor: str
    changed_at: datetime
    undone_by: int | None


class SettingsUpdated(BaseModel):
    """What was changed, null if nothing differed, and how all settings are now."""

    change: SettingsChange | None
    settings: AllSettings


class SettingsFile(BaseModel):
    """Settings as a file, TOML as `fluxtune.toml` is."""

    text: str = Field(max_length=MAX_FILE)


class SettingsImport(SettingsFile):
    """A file to bring in; a trial only says what it would change."""

    is_trial: bool = False


class Skipped(BaseModel):
    """A setting of a file that is not brought in, and why."""

    key: str
    why: str


class SettingsImported(BaseModel):
    """What a file changed, or would change."""

    changes: list[Change]
    skipped: list[Skipped]
    change_id: int | None
