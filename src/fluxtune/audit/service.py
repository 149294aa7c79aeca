"""Writes, reads, verifies and exports the audit log.

Every entry holds the SHA-256 of itself and of the entry before it: who changes, inserts or removes one must write all
later ones anew, and then the newest hash differs from any that was noted elsewhere.
"""

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.audit import repository
from fluxtune.audit.repository import Wanted
from fluxtune.audit.schemas import AuditActor, AuditEntry, AuditFilters, AuditPage, AuditVerification
from fluxtune.audit.tables import AuditRow
from fluxtune.core.actor import acting
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict

Format = Literal["jsonl", "csv"]

COLUMNS = (
    "number", "at", "actor_id", "actor", "action", "kind", "target_id", "name", "before", "after", "hash",
)  # fmt: skip
_PART = 200
_TEXT = 2000
_SECRET = re.compile(r"(^|_)(password|secret|token|api_?key|key|authorization|cookie)(_hash)?$", re.IGNORECASE)
HIDDEN = "(not shown)"


class LogBroken(Conflict):
    """The audit log is not what was written."""

    title = "The audit log was changed"
    action = "Compare it with an export or a backup made before, and find out who can write to the database."


def record(
    session: Session,
    action: str,
    kind: str,
    target_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    *,
    name: str = "",
) -> None:
    """Add to the log that `acting()` did something, in the transaction that does it: both are kept, or neither.

    `action` is dotted, in the past tense (`flag.changed`); `before` and `after` are what changed, without secrets.
    Call it last in a transaction: from here on nobody else's entry can be added until this one is committed.
    """
    who = acting()
    head = repository.take_head(session)
    row = AuditRow(
        number=head.number + 1,
        at=now(),
        actor_id=who.id,
        actor=_text(who.name, 120),
        action=action,
        kind=kind,
        target_id=_text(target_id, 200),
        name=_text(name, 200),
        before=_plain(before),
        after=_plain(after),
    )
    row.hash = _hash(head.hash, row)
    head.number, head.hash = row.number, row.hash
    repository.add(session, row)


def list_entries(session: Session, wanted: Wanted, before: int | None = None, limit: int = 50) -> AuditPage:
    """Return a page of the log, newest first."""
    rows = repository.list_entries(session, wanted, before, limit + 1)
    shown = [AuditEntry.model_validate(row) for row in rows[:limit]]
    return AuditPage(entries=shown, next_before=shown[-1].number if len(rows) > limit else None)


def list_filters(session: Session) -> AuditFilters:
    """Return what occurs in the log."""
    actors = [AuditActor(id=actor_id, name=name) for actor_id, name in repository.list_actors(session)]
    return AuditFilters(actions=repository.list_actions(session), actors=actors)


def verify(session: Session, noted: str | None = None) -> AuditVerification:
    """Go through the whole log and say whether anything in it was changed, inserted or removed.

    `noted` is the hash of an entry that was noted elsewhere: without it, a log that was written anew from some entry
    on to its end looks whole.
    """
    previous, count, is_noted = "", 0, not noted
    for row in repository.iterate(session, Wanted()):
        if row.number != count + 1:
            return _broken(count, previous, count + 1, f"Entry {count + 1} is missing.")
        if row.hash != _hash(previous, row):
            return _broken(count, previous, row.number, f"Entry {row.number} is not what was written.")
        previous, count, is_noted = row.hash, row.number, is_noted or row.hash == noted
    head = repository.find_head(session)
    if (head.number if head else 0) != count:
        return _broken(count, previous, count + 1, f"Entries after {count} are missing.")
    if head is not None and head.hash != previous:
        return _broken(count, previous, count, f"Entry {count} is not the one that was written last.")
    if not is_noted:
        return _broken(count, previous, 1, "No entry has the hash that was noted: the log was written anew.")
    return AuditVerification(is_whole=True, entries=count, head=previous, first_bad=None, reason="")


def export(session: Session, wanted: Wanted, format_: Format) -> Iterator[str]:
    """Yield the log as JSON lines or CSV, oldest first, some hundred entries at a time."""
    part = [_csv_line(COLUMNS)] if format_ == "csv" else []
    for row in repository.iterate(session, wanted):
        entry = AuditEntry.model_validate(row)
        part.append(entry.model_dump_json() + "\n" if format_ == "jsonl" else _csv_entry(entry))
        if len(part) >= _PART:
            yield "".join(part)
            part = []
    yield "".join(part)


def _broken(count: int, head: str, first_bad: int, reason: str) -> AuditVerification:
    return AuditVerification(is_whole=False, entries=count, head=head, first_bad=first_bad, reason=reason)


def _hash(previous: str, row: AuditRow) -> str:
    facts = [
        previous,
        row.number,
        row.at.isoformat(timespec="microseconds"),
        row.actor_id,
        row.actor,
        row.action,
        row.kind,
        row.target_id,
        row.name,
        row.before,
        row.after,
    ]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return values as they come back from any database, without what looks like a secret."""
    if values is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(dict(values), default=str))
    return {_text(key, 200): _scrub(key, value) for key, value in plain.items()}


def _scrub(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return HIDDEN if value and _SECRET.search(name) else _text(value, _TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # PostgreSQL's JSON knows no such numbers
    if isinstance(value, dict):
        return {_text(key, 200): _scrub(key, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_scrub(name, each) for each in value]
    return value


def _text(text: str, limit: int) -> str:
    """Return text that any database keeps as it is."""
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _csv_entry(entry: AuditEntry) -> str:
    values = entry.model_dump(mode="json")
    for name in ("before", "after"):
        values[name] = json.dumps(values[name], ensure_ascii=False) if values[name] is not None else ""
    # Names come from anybody; a spreadsheet would take one that starts like a formula for one.
    texts = [str(values[name]) for name in COLUMNS]
    return _csv_line([f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text for text in texts])


def _csv_line(values: tuple[str, ...] | list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue()
