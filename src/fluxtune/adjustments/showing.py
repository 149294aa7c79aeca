"""All settings with their values, where those come from, and why some can't be changed here."""

from sqlalchemy.orm import Session

from fluxtune.adjustments import repository
from fluxtune.adjustments.schemas import AllSettings, Setting, SettingGroup
from fluxtune.adjustments.tables import AdjustmentRow
from fluxtune.config import Settings
from fluxtune.config.registry import Declared, declared_settings, group_words, read, without_password


def list_settings(session: Session, settings: Settings) -> AllSettings:
    """Return every setting by group, as it holds in this process now."""
    rows = {row.key: row for row in repository.list_adjustments(session)}
    groups: dict[str, SettingGroup] = {}
    for declared in declared_settings().values():
        title, description = group_words(declared.group)
        group = groups.setdefault(
            declared.group, SettingGroup(name=declared.group, title=title, description=description, settings=[])
        )
        group.settings.append(_show(settings, declared, rows.get(declared.key)))
    return AllSettings(
        revision=repository.newest_change(session), file=str(settings.origins.file or ""), groups=list(groups.values())
    )


def lock_of(settings: Settings, declared: Declared) -> str | None:
    """Return why a setting can't be changed in the browser, None if it can."""
    source = settings.origins.given.get(declared.key)
    if declared.is_fixed:
        return "It is needed before the database is open: set it in the file or in the environment."
    if source == "environment":
        return f"{declared.variable} in the environment decides it."
    if source == "file":
        return f"It is set in {settings.origins.file}, which goes before the browser."
    if source == "argument":
        return "It was given when the studio was started."
    return None


def title_of(key: str) -> str:
    """Return a setting's name for people; of one that is gone, its key."""
    declared = declared_settings().get(key)
    return declared.title if declared is not None else key


def _show(settings: Settings, declared: Declared, row: AdjustmentRow | None) -> Setting:
    value, source = read(settings, declared.key), settings.origins.source_of(declared.key)
    is_waiting = declared.key in settings.origins.waiting
    if is_waiting:
        # What will hold is what one wants to see in the field; the note beside it says when.
        value = declared.default if row is None else row.value.get("value", value)
        source = "default" if row is None else "browser"
    shown = None if declared.is_secret else declared.plain(value)
    return Setting(
        key=declared.key,
        title=declared.title,
        description=declared.info.description or "",
        level=declared.level,
        unit=declared.unit,
        labels=declared.labels,
        picks=declared.picks,
        json_schema=declared.schema,
        value=without_password(shown) if declared.has_password else shown,
        default=None if declared.is_secret or declared.key == "data" else declared.plain(declared.default),
        source=source,
        source_name={"environment": declared.variable, "file": str(settings.origins.file)}.get(source),
        locked=lock_of(settings, declared),
        variable=declared.variable,
        needs_restart=declared.needs_restart,
        is_waiting=is_waiting,
        is_secret=declared.is_secret,
        is_set=value not in (None, ""),
        changed_at=row.changed_at if row else None,
        changed_by=row.changed_by if row else None,
    )
