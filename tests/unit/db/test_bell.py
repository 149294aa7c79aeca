"""Whoever waits for work is woken by the commit that brings it, and never by one that fails."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxtune.db import Bell, Database, announce
from fluxtune.db.bell import ring

LONG_S = 30.0


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    bell = Bell(tmp_path)
    bell.hang()
    yield bell
    bell.take_down()


def test_it_rings_for_what_was_announced_once_it_is_committed(tmp_path: Path, bell: Bell) -> None:
    database = Database.at(tmp_path / "a.sqlite")
    with database.transaction() as session:
        announce(session, "network")
        announce(session, "network")
        announce(session, "device")
        assert bell.wait(0) == frozenset()
    assert bell.wait(LONG_S) == {"network", "device"}
    assert bell.wait(0) == frozenset()
    database.close()


def test_what_fails_is_not_told(tmp_path: Path, bell: Bell) -> None:
    database = Database.at(tmp_path / "a.sqlite")

    def break_off() -> None:
        with database.transaction() as session:
            announce(session, "network")
            print(1 // 0)

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert bell.wait(0) == frozenset()
    database.close()


def test_who_waits_is_woken_at_once(bell: Bell) -> None:
    heard: list[frozenset[str]] = []
    waiting = threading.Thread(target=lambda: heard.append(bell.wait(LONG_S)))
    waiting.start()
    bell.ring("leave")
    waiting.join(LONG_S / 2)
    assert heard == [{"leave"}]


def test_nobody_there_is_no_error(tmp_path: Path) -> None:
    ring(tmp_path / "nowhere", ["network"])
    ring(tmp_path, ["network"])
    os.mkfifo(tmp_path / "worker.bell")  # left by a worker that was killed
    ring(tmp_path, ["network"])
    bell = Bell(tmp_path)
    bell.hang()
    assert bell.wait(0) == frozenset()
    ring(tmp_path, ["network"])
    assert bell.wait(LONG_S) == {"network"}
    bell.take_down()
    assert list(tmp_path.iterdir()) == []


def test_all_workers_of_a_folder_are_rung(tmp_path: Path, bell: Bell) -> None:
    second = Bell(tmp_path, 2)
    second.hang()
    ring(tmp_path, ["device"])
    assert bell.wait(LONG_S) == second.wait(LONG_S) == {"device"}
    second.take_down()


def test_a_full_bell_holds_up_nobody(tmp_path: Path, bell: Bell) -> None:
    for _ in range(200):
        ring(tmp_path, ["x" * 1000])
    assert bell.wait(LONG_S)


def test_without_named_pipes_it_can_still_be_rung_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "mkfifo", refuse)
    bell = Bell(tmp_path)
    bell.hang()
    ring(tmp_path, ["network"])
    assert bell.wait(0) == frozenset()
    bell.ring("leave")
    assert bell.wait(LONG_S) == {"leave"}
    bell.take_down()
