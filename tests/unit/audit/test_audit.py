"""The log is chained, append-only, and says of any change where it begins."""

import csv
import io
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from fluxtune.audit import service
from fluxtune.audit.repository import Wanted
from fluxtune.core.actor import Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.db import Database

ADA = Actor("Ada", id="ada", role="trainer")
UNLOCK = {
    "sqlite": ["DROP TRIGGER audit_entry_keep_update", "DROP TRIGGER audit_entry_keep_delete"],
    "postgresql": ["ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_keep"],
}


@pytest.fixture
def log(session: Session) -> Session:
    """A log of three entries by two people."""
    service.record(session, "flag.changed", "flag", "sweeps", {"state": "on"}, {"state": "off"}, name="Sweeps")
    with acting_as(ADA):
        service.record(session, "token.created", "token", "t1", after={"name": "laptop"}, name="laptop")
        service.record(session, "token.revoked", "token", "t1", name="laptop")
    return session


def test_entries_say_who_did_what(log: Session) -> None:
    newest, _, oldest = service.list_entries(log, Wanted()).entries
    assert (oldest.number, oldest.actor, oldest.actor_id) == (1, "local owner", "local")
    assert (oldest.before, oldest.after) == ({"state": "on"}, {"state": "off"})
    assert (newest.actor, newest.action, newest.target_id, newest.name) == ("Ada", "token.revoked", "t1", "laptop")
    assert newest.before is None


def test_an_untouched_log_is_whole(log: Session) -> None:
    found = service.verify(log)
    assert (found.is_whole, found.entries, found.first_bad, found.reason) == (True, 3, None, "")
    assert found.head == service.list_entries(log, Wanted()).entries[0].hash


def test_an_empty_log_is_whole(session: Session) -> None:
    assert service.verify(session).model_dump() == {
        "is_whole": True, "entries": 0, "head": "", "first_bad": None, "reason": "",
    }  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'Eve'", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_an_entry(log: Session, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), log.begin_nested():
        log.execute(text(statement))
    assert service.verify(log).entries == 3


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE audit_entry SET actor = 'Eve' WHERE number = 2", 2),
        ('UPDATE audit_entry SET after = \'{"state": "on"}\' WHERE number = 1', 1),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00.000000' WHERE number = 3", 3),
        ("DELETE FROM audit_entry WHERE number = 2", 2),
        ("DELETE FROM audit_entry WHERE number = 3", 3),
        ("UPDATE audit_head SET hash = 'f00'", 3),
    ],
)
def test_who_gets_round_the_database_is_found_out(log: Session, statement: str, first_bad: int) -> None:
    for each in UNLOCK[log.get_bind().dialect.name]:
        log.execute(text(each))
    log.execute(text(statement))
    found = service.verify(log)
    assert not found.is_whole
    assert found.first_bad == first_bad
    assert found.reason


def test_entry_and_change_are_kept_or_lost_together(database: Database) -> None:
    def fail(session: Session) -> None:
        service.record(session, "flag.changed", "flag", "sweeps")
        raise RuntimeError

    with pytest.raises(RuntimeError), database.transaction() as session:
        fail(session)
    with database.transaction() as session:
        service.record(session, "flag.changed", "flag", "v1")
    with database.reading() as session:
        found = service.verify(session)
    assert (found.is_whole, found.entries) == (True, 1)


def test_secrets_and_what_no_database_keeps_are_left_out(session: Session) -> None:
    given_ = {
        "api_key": "k-1", "new_password": "pw", "nested": {"token": "t"}, "key_name": "mine", "text": "a\x00b",
        "loss": float("nan"), "long": "x" * 5000, "at": now(), "has_token": True,
    }  # fmt: skip
    service.record(session, "setting.changed", "setting", "hosted.key", after=given_)
    kept = service.list_entries(session, Wanted()).entries[0].after
    assert kept is not None
    assert kept["api_key"] == kept["new_password"] == kept["nested"]["token"] == service.HIDDEN
    assert (kept["key_name"], kept["text"], kept["loss"], kept["has_token"]) == ("mine", "ab", None, True)
    assert len(kept["long"]) == 2000
    assert service.verify(session).is_whole


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_any_values_come_back_as_they_were_hashed(session: Session) -> None:
    @hypothesis_settings(max_examples=25)
    @given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3), st.text(max_size=300))
    def check(values: dict[str, object], name: str) -> None:
        service.record(session, "setting.changed", "setting", name, values, values, name=name)
        session.expire_all()
        assert service.verify(session).is_whole

    check()


def test_pages_follow_each_other(log: Session) -> None:
    first = service.list_entries(log, Wanted(), limit=2)
    assert [each.number for each in first.entries] == [3, 2]
    second = service.list_entries(log, Wanted(), before=first.next_before, limit=2)
    assert [each.number for each in second.entries] == [1]
    assert second.next_before is None


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(action="flag.changed"), [1]),
        (Wanted(kind="token"), [3, 2]),
        (Wanted(actor_id="ada"), [3, 2]),
        (Wanted(target_id="sweeps"), [1]),
        (Wanted(words=("LAP", "rev")), [3]),
        (Wanted(words=("100%",)), []),
        (Wanted(since=now() + timedelta(days=1)), []),
        (Wanted(until=now() + timedelta(days=1), action="token.created"), [2]),
    ],
)
def test_entries_are_found(log: Session, wanted: Wanted, numbers: list[int]) -> None:
    assert [each.number for each in service.list_entries(log, wanted).entries] == numbers


def test_what_occurs_can_be_chosen(log: Session) -> None:
    found = service.list_filters(log)
    assert found.actions == ["flag.changed", "token.created", "token.revoked"]
    assert [(each.id, each.name) for each in found.actors] == [("ada", "Ada"), ("local", "local owner")]


def test_export_has_everything_and_no_formulas(log: Session) -> None:
    service.record(log, "dataset.deleted", "dataset", "d", name="=HYPERLINK(1)")
    lines = [json.loads(line) for line in "".join(service.export(log, Wanted(), "jsonl")).splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3, 4]
    rows = list(csv.DictReader(io.StringIO("".join(service.export(log, Wanted(kind="dataset"), "csv")))))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)"]
    assert rows[0]["hash"] == lines[3]["hash"]


def test_a_hash_noted_elsewhere_must_still_be_there(log: Session) -> None:
    noted = service.verify(log).head
    service.record(log, "token.created", "token", "t2")
    assert service.verify(log, noted).is_whole
    found = service.verify(log, "0" * 64)
    assert (found.is_whole, found.first_bad) == (False, 1)
