"""Many jobs of a process look together for what is asked of them, and each sees its own."""

from collections.abc import Collection

import pytest
from sqlalchemy.orm import Session

from fluxtune.db import Database
from fluxtune.jobs import asked, repository, service
from fluxtune.jobs.asked import AskedBoard
from fluxtune.jobs.repository import Asked


@pytest.fixture
def ids(database: Database) -> list[str]:
    with database.transaction() as session:
        return [service.enqueue(session, "finetune", f"f{n}", "Finetune", {}, steps=1).id for n in range(3)]


def ask(database: Database, job_id: str, request: str) -> None:
    with database.transaction() as session:
        row = repository.find_job(session, job_id)
        assert row is not None
        row.request = request


def test_all_are_read_by_one_look(database: Database, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[list[str]] = []
    find = repository.find_asked

    def find_and_note(session: Session, ids: Collection[str]) -> dict[str, Asked]:
        reads.append(list(ids))
        return find(session, ids)

    monkeypatch.setattr(repository, "find_asked", find_and_note)
    board = AskedBoard(database)
    for job_id in ids:
        board.look(job_id)  # each is new once
    monkeypatch.setattr(asked, "LOOK_EVERY_S", 0)
    board.look(ids[0])
    monkeypatch.setattr(asked, "LOOK_EVERY_S", 3600)
    ask(database, ids[1], "stop")
    seen = [board.look(job_id) for job_id in ids]
    assert len(reads) == 4
    assert reads[-1] == ids
    assert [each.request for each in seen if each] == [None, None, None]  # as it was a moment ago


def test_each_sees_its_own(database: Database, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "LOOK_EVERY_S", 0)
    board = AskedBoard(database)
    ask(database, ids[1], "stop")
    assert [each.request for each in map(board.look, ids) if each] == [None, "stop", None]
    assert board.look("gone") is None


def test_what_was_changed_from_here_is_read_anew(
    database: Database, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "LOOK_EVERY_S", 3600)
    board = AskedBoard(database)
    board.look(ids[0])
    ask(database, ids[0], "pause")
    board.forget(ids[0])
    again = board.look(ids[0])
    assert again is not None
    assert again.request == "pause"


def test_jobs_nobody_asks_for_are_let_go(database: Database, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    board = AskedBoard(database)
    board.look(ids[0])
    monkeypatch.setattr(asked, "_FORGET_AFTER_S", 1e-9)
    monkeypatch.setattr(asked, "LOOK_EVERY_S", 0)
    board.look(ids[1])
    assert list(board._known) == [ids[1]]
