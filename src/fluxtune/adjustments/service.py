"""Settings changed in the browser: show, change, take back, carry to another studio."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.adjustments import files, repository
from fluxtune.adjustments.errors import ChangedSince, ChangeMissing, SettingsRefused
from fluxtune.adjustments.schemas import (
    Change,
    SettingsChange,
    SettingsImport,
    SettingsImported,
    SettingsUpdate,
    Skipped,
)
from fluxtune.adjustments.showing import lock_of, title_of
from fluxtune.adjustments.tables import AdjustmentChangeRow, AdjustmentRow
from fluxtune.audit import service as audit
from fluxtune.config import Settings
from fluxtune.config.registry import SECRET_SHOWN, Declared, declared_settings, read
from fluxtune.core.actor import acting
from fluxtune.core.clock import now
from fluxtune.core.errors import FieldProblem

CHANGES_LIMIT = 50
EXPORT_NOTE = (
    "Settings of a fluxtune studio that differ from the usual ones, without secrets.\n"
    "Bring it in under Admin, Settings, or use it as fluxtune.toml in a data folder."
)

Stored = dict[str, Any] | None
"""What a row keeps: {"value": …} or, of a secret, {"sealed": …}; None is no value from the browser."""


class AdjustmentService:
    """Everything an administrator does with settings. `LiveSettings` makes it hold in the running programs."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def update_settings(self, update: SettingsUpdate) -> SettingsChange | None:
        """Change settings, all or none; return what was changed, None if nothing differed.

        Raises `SettingsRefused` with every setting that is unknown, decided elsewhere, or given a bad value.
        """
        problems: list[FieldProblem] = []
        wanted: dict[str, Stored] = {}
        for key in [*update.values, *update.reset]:
            declared = declared_settings().get(key)
            why = "There is no such setting." if declared is None else lock_of(self._settings, declared)
            if why is None and key in update.values and key in update.reset:
                why = "It can't be set and reset at once."
            if declared is None or why is not None:
                problems.append(FieldProblem(field=key, message=why or ""))
                continue
            try:
                wanted[key] = self._stored(declared, update.values[key]) if key in update.values else None
            except ValueError as error:
                problems.append(FieldProblem(field=key, message=str(error)))
        if problems:
            raise SettingsRefused(problems)
        return self._make(wanted, "change")

    def list_changes(self, before: int | None = None, limit: int = CHANGES_LIMIT) -> list[SettingsChange]:
        """Return what was changed, newest first; `before` is the number of the last one seen."""
        return [_show(row) for row in repository.list_changes(self._session, before, limit)]

    def newest_change(self) -> int:
        """Return the number of the newest change, 0 if there was none."""
        return repository.newest_change(self._session)

    def undo_change(self, change_id: int) -> SettingsChange:
        """Give the settings of a change the values they had before it; that is a change itself, so it can be undone.

        Raises `ChangedSince` if one of them was changed again.
        """
        row = repository.find_change(self._session, change_id)
        if row is None:
            raise ChangeMissing(f"There is no change {change_id}.")
        if row.undone_by is not None:
            raise ChangedSince("It was undone already.")
        for each in row.changes:
            declared = declared_settings().get(each["key"])
            why = "There is no such setting any more." if declared is None else lock_of(self._settings, declared)
            if why is not None:
                raise ChangedSince(f"{each['key']}: {why}")
            if not self._is_same(each["key"], each["after"], self._current(each["key"], lock=True)):
                raise ChangedSince(f"“{title_of(each['key'])}” was changed again since.")
        made = self._make({each["key"]: each["before"] for each in row.changes}, "undo")
        if made is None:
            raise ChangedSince("The settings have the values they had before.")
        row.undone_by = made.id
        return made

    def export_settings(self) -> str:
        """Return as a file what differs from the usual, wherever it comes from; no secret and nothing of this computer.

        What is fixed (where the data is, where to listen) belongs to a computer, not to a studio's ways.
        """
        values = {}
        for key, declared in declared_settings().items():
            value = read(self._settings, key)
            if not declared.is_secret and not declared.is_fixed and value != declared.default:
                values[key] = declared.plain(value)
        return files.write_file(values, EXPORT_NOTE)

    def import_settings(self, wish: SettingsImport) -> SettingsImported:
        """Change what a file names; what can't be changed here is skipped and said. Settings it does not name stay.

        Raises `SettingsFileUnreadable`, and `SettingsRefused` for bad values, which change nothing at all.
        """
        wanted: dict[str, Stored] = {}
        skipped: list[Skipped] = []
        problems: list[FieldProblem] = []
        for key, value in files.read_file(wish.text, _groups()).items():
            declared = declared_settings().get(key)
            why = "There is no such setting." if declared is None else lock_of(self._settings, declared)
            if why is None and declared is not None and declared.is_secret:
                why = "Secrets are not brought in from files; type it in."
            if declared is None or why is not None:
                skipped.append(Skipped(key=key[:120], why=why or ""))
                continue
            try:
                wanted[key] = self._stored(declared, value)
            except ValueError as error:
                problems.append(FieldProblem(field=key, message=str(error)))
        if problems:
            raise SettingsRefused(problems)
        wanted = {key: new for key, new in wanted.items() if self._differs(key, new)}
        if wish.is_trial:
            shown = [_shown_change(key, self._current(key), new) for key, new in wanted.items()]
            return SettingsImported(changes=shown, skipped=skipped, change_id=None)
        made = self._make(wanted, "import")
        return SettingsImported(
            changes=made.changes if made else [], skipped=skipped, change_id=made.id if made else None
        )

    def _differs(self, key: str, new: Stored) -> bool:
        """Return whether a value is another than the one that holds, wherever that comes from."""
        return new is not None and new.get("value") != declared_settings()[key].plain(read(self._settings, key))

    def _make(self, wanted: Mapping[str, Stored], kind: str) -> SettingsChange | None:
        """Store values and write down what changed; None if nothing did."""
        at, who = now(), acting()
        changes = []
        for key, new in wanted.items():
            old = self._current(key, lock=True)
            if self._is_same(key, old, new):
                continue
            self._put(key, new, who.name[:120])
            changes.append({"key": key, "before": old, "after": new})
        if not changes:
            return None
        row = AdjustmentChangeRow(
            changes=changes, kind=kind, actor_id=who.id[:64], actor_name=who.name[:120], changed_at=at
        )
        repository.add(self._session, row)
        made = _show(row)
        for each in made.changes:
            audit.record(
                self._session, "setting.changed", "setting", each.key,
                before={"value": each.before}, after={"value": each.after}, name=each.title,
            )  # fmt: skip
        return made

    def _put(self, key: str, new: Stored, who: str) -> None:
        row = repository.find_adjustment(self._session, key)
        if new is None:
            if row is not None:
                repository.remove(self._session, row)
        elif row is None:
            repository.add(self._session, AdjustmentRow(key=key, value=new, changed_at=now(), changed_by=who))
        else:
            row.value, row.changed_at, row.changed_by = new, now(), who

    def _current(self, key: str, *, lock: bool = False) -> Stored:
        row = repository.find_adjustment(self._session, key, lock=lock)
        return None if row is None else row.value

    def _stored(self, declared: Declared, value: Any) -> Stored:
        plain = declared.plain(declared.parse(value))
        if not declared.is_secret or plain is None:
            return {"value": plain}
        return {"sealed": self._settings.secrets.seal(plain)}

    def _is_same(self, key: str, one: Stored, other: Stored) -> bool:
        if one == other:
            return True
        # The same secret is sealed differently each time.
        if one is None or other is None or not declared_settings()[key].is_secret:
            return False
        return bool(self._opened(one) == self._opened(other))

    def _opened(self, stored: dict[str, Any]) -> Any:
        return self._settings.secrets.open(stored["sealed"]) if "sealed" in stored else stored["value"]


def _groups() -> dict[str, None]:
    return dict.fromkeys(declared.group for declared in declared_settings().values() if declared.group)


def _show(row: AdjustmentChangeRow) -> SettingsChange:
    return SettingsChange.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "changes": list(_shown_changes(row.changes)),
            "actor": row.actor_name,
            "changed_at": row.changed_at,
            "undone_by": row.undone_by,
        }
    )


def _shown_changes(changes: Iterable[Mapping[str, Any]]) -> Iterable[Change]:
    return (_shown_change(each["key"], each["before"], each["after"]) for each in changes)


def _shown_change(key: str, before: Stored, after: Stored) -> Change:
    return Change(key=key, title=title_of(key), before=_shown(before), after=_shown(after))


def _shown(stored: Stored) -> Any:
    if stored is None:
        return None
    return SECRET_SHOWN if "sealed" in stored else stored["value"]
