"""Settings of a studio, over its API."""

from collections.abc import Iterable, Mapping
from typing import Any

from fluxtune.adjustments.schemas import (
    AllSettings,
    SettingsChange,
    SettingsImport,
    SettingsImported,
    SettingsUpdate,
    SettingsUpdated,
)
from fluxtune.client.http import Connection


class SettingsCalls(Connection):
    """What a studio's API does with settings."""

    def settings(self) -> AllSettings:
        """Return every setting with its value and where that comes from."""
        return self.fetch(AllSettings, "GET", "/api/settings")

    def update_settings(self, values: Mapping[str, Any], reset: Iterable[str] = ()) -> SettingsUpdated:
        """Change settings by their keys, and let others be as they were before; all or none."""
        body = SettingsUpdate(values=dict(values), reset=list(reset)).model_dump(mode="json")
        return self.fetch(SettingsUpdated, "PATCH", "/api/settings", json=body)

    def settings_changes(self, limit: int = 50) -> list[SettingsChange]:
        """Return who changed what, newest first."""
        return self.fetch(list[SettingsChange], "GET", "/api/settings/changes", params={"limit": limit})

    def undo_settings(self, change_id: int) -> SettingsUpdated:
        """Take a change back."""
        return self.fetch(SettingsUpdated, "POST", f"/api/settings/changes/{change_id}/undo")

    def export_settings(self) -> str:
        """Return as a TOML file what is not as usual; secrets are left out."""
        return self.send("GET", "/api/settings/export").text

    def import_settings(self, text: str, *, is_trial: bool = False) -> SettingsImported:
        """Change what a TOML file names; a trial only says what that would be."""
        body = SettingsImport(text=text, is_trial=is_trial).model_dump(mode="json")
        return self.fetch(SettingsImported, "POST", "/api/settings/import", json=body)
