"""Which features are on, for whom. Decided on the server; what the browser hides and refuses follows from it."""

from collections.abc import Hashable
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.core.actor import ROLES, Actor, acting
from fluxtune.core.clock import now
from fluxtune.core.errors import InvalidInput, NotAllowed, NotFound
from fluxtune.flags import repository
from fluxtune.flags.registry import FLAGS, NAMES, Flag, FlagName
from fluxtune.flags.schemas import FlagChange, FlagInfo
from fluxtune.flags.tables import FlagSettingRow


class FlagOff(NotAllowed):
    """A feature is switched off, for everybody or for whoever asks."""

    title = "This feature is switched off"
    action = "An administrator can switch it on under Admin, Flags, or with `fluxtune admin flags set`."


class FlagUnknown(NotFound):
    """No feature has this name."""

    title = "No such feature flag"
    action = "`fluxtune admin flags list` shows them all."


class FlagForNobody(InvalidInput):
    """A feature for some needs to be told for whom."""

    title = "Nobody was named"
    action = "Name roles or people, or switch it off."


class FlagAlreadyOver(InvalidInput):
    """A date until which something holds lies in the past."""

    title = "That date is over"
    action = "Choose a later one, or none."


def is_on(session: Session, name: FlagName) -> bool:
    """Return whether `acting()` may use a feature."""
    return _is_on(FLAGS[name], repository.find(session, name), acting())


def require(session: Session, name: FlagName, *, field: str | None = None) -> None:
    """Raise `FlagOff` unless `acting()` may use a feature; `field` is the part of the input that would use it."""
    if not is_on(session, name):
        raise FlagOff(f"“{FLAGS[name].title}” is not on for you.", field=field)


def list_on(session: Session) -> list[FlagName]:
    """Return the features that `acting()` may use."""
    settings = repository.list_settings(session)
    return [name for name in NAMES if _is_on(FLAGS[name], settings.get(name), acting())]


def standing(session: Session) -> Hashable:
    """Return what tells whether anything was decided since it was asked last."""
    rows = repository.list_settings(session)
    return tuple((name, row.state, *row.roles, *row.people, row.until) for name, row in sorted(rows.items()))


def list_flags(session: Session) -> list[FlagInfo]:
    """Return all features in the order of the registry."""
    settings = repository.list_settings(session)
    return [_show(flag, settings.get(name)) for name, flag in FLAGS.items()]


def get_flag(session: Session, name: str) -> FlagInfo:
    """Return one feature; raise `FlagUnknown`."""
    flag = _find(name)
    return _show(flag, repository.find(session, flag.name))


def change_flag(session: Session, name: str, change: FlagChange) -> FlagInfo:
    """Decide for whom a feature is on."""
    flag = _find(name)
    if change.state == "some" and not change.roles and not change.people:
        raise FlagForNobody("It would be on for no one.", field="roles")
    if change.until is not None and change.until <= now():
        raise FlagAlreadyOver("From then on it would be as by default, which it is now.", field="until")
    row = repository.find(session, flag.name)
    before = _facts(flag, row)
    if row is None:
        row = FlagSettingRow(name=flag.name)
    row.state, row.until = change.state, change.until
    # Who is named holds only while it is for some: else it would come back unseen with the next `some`.
    is_some = change.state == "some"
    row.roles = [role for role in ROLES if role in change.roles] if is_some else []
    row.people = sorted(set(change.people)) if is_some else []
    row.changed_at, row.changed_by = now(), acting().name[:120]
    repository.add(session, row)
    audit.record(session, "flag.changed", "flag", flag.name, before, _facts(flag, row), name=flag.title)
    return _show(flag, row)


def reset_flag(session: Session, name: str) -> FlagInfo:
    """Let a feature be as it is by default; doing it twice changes nothing."""
    flag = _find(name)
    row = repository.find(session, flag.name)
    if row is not None:
        before = _facts(flag, row)
        repository.remove(session, row)
        audit.record(session, "flag.reset", "flag", flag.name, before, _facts(flag, None), name=flag.title)
    return _show(flag, None)


def _find(name: str) -> Flag:
    flag = next((flag for flag in FLAGS.values() if flag.name == name), None)
    if flag is None:
        raise FlagUnknown(f"There is no flag “{name[:60]}”.")
    return flag


def _holds(row: FlagSettingRow | None) -> bool:
    return row is not None and (row.until is None or row.until > now())


def _is_on(flag: Flag, row: FlagSettingRow | None, actor: Actor) -> bool:
    if row is None or not _holds(row):
        return flag.default
    if row.state == "some":
        return actor.role in row.roles or actor.id in row.people
    return row.state == "on"


def _facts(flag: Flag, row: FlagSettingRow | None) -> dict[str, Any]:
    if row is None or not _holds(row):
        return {"state": "on" if flag.default else "off"}
    facts: dict[str, Any] = {"state": row.state}
    if row.state == "some":
        facts |= {"roles": row.roles, "people": row.people}
    return facts | ({"until": row.until.isoformat()} if row.until else {})


def _show(flag: Flag, row: FlagSettingRow | None) -> FlagInfo:
    held = row if row is not None and _holds(row) else None
    return FlagInfo.model_validate(
        {
            "name": flag.name,
            "title": flag.title,
            "what": flag.what,
            "default": flag.default,
            "since": flag.since,
            "state": held.state if held else "on" if flag.default else "off",
            "roles": held.roles if held else [],
            "people": held.people if held else [],
            "until": held.until if held else None,
            "is_changed": held is not None,
            "is_on": _is_on(flag, held, acting()),
            "changed_at": held.changed_at if held else None,
            "changed_by": held.changed_by if held else None,
        }
    )
