"""A health check is followed to its end over every way its process can die, and every wish is obeyed."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.backends.local import check, children
from fluxtune.backends.local.check import HealthCheck
from fluxtune.config import Settings
from fluxtune.engine.reports import HealthEvent
from tests.unit.backends.test_training import Wishes

PROGRAM = """
import json, os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[2])
count = len(list(folder.glob("start-*")))
(folder / f"start-{count}").touch()
def say(kind, **data): print(json.dumps({"type": "health." + kind, "data": data}), flush=True)
behaviour = (folder / "behaviour").read_text().split()[count]
say("progressed", done=0, total=2, what="drawing")
print("something a library prints", flush=True)
if behaviour == "crash":
    print("Bus error of the tests", file=sys.stderr)
    os._exit(135)
if behaviour == "locked":
    sys.exit(3)
if behaviour in ("wait", "deaf"):
    def end(*_):
        say("cancelled")
        os._exit(0)
    signal.signal(signal.SIGTERM, end if behaviour == "wait" else signal.SIG_IGN)
    (folder / "ready").touch()
    time.sleep(60)
if behaviour == "fail":
    problem = {"type": "/errors/out-of-memory", "title": "Out of memory", "status": 500, "detail": "", "action": "",
               "errors": [], "technical": None}
    say("failed", error=problem)
    sys.exit(1)
say("progressed", done=2, total=2, what=os.environ.get("FLUXTUNE_ENGINE__EMBEDDINGS", "measuring"))
say("succeeded", seconds=1)
"""


class Sink:
    def __init__(self) -> None:
        self.events: list[HealthEvent] = []

    def receive(self, event: HealthEvent) -> None:
        self.events.append(event)


Follow = Callable[..., tuple[RunEnd, Sink]]


@pytest.fixture
def follow(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follow:
    monkeypatch.setattr(children, "engine_command", lambda *words: [sys.executable, "-c", PROGRAM, *words])
    monkeypatch.setattr(check, "_WAIT_S", 0.01)
    monkeypatch.setattr(check, "_END_WAIT_S", 0.2)

    def run(*behaviours: str, wishes: Wishes | None = None) -> tuple[RunEnd, Sink]:
        (tmp_path / "behaviour").write_text(" ".join(behaviours))
        sink = Sink()
        return HealthCheck(settings, tmp_path, sink, wishes or Wishes()).follow(), sink

    return run


class WhenReady(Wishes):
    """Wants something once the process is busy."""

    def __init__(self, folder: Path, what: str) -> None:
        super().__init__()
        self.folder, self.what = folder, what

    @property
    def is_ready(self) -> bool:
        return (self.folder / "ready").exists()

    def request(self):
        return "cancel" if self.what == "cancel" and self.is_ready else None

    def is_leaving(self) -> bool:
        return self.what == "leave" and self.is_ready


def test_to_its_end(follow: Follow) -> None:
    end, sink = follow("succeed")
    assert end.state == "succeeded"
    assert [event.data["done"] for event in sink.events] == [0, 2]


def test_a_process_that_dies_is_started_once_more(follow: Follow) -> None:
    assert follow("crash", "succeed")[0].state == "succeeded"


def test_dying_twice_is_a_failure_that_says_why(follow: Follow) -> None:
    end, _ = follow("crash", "crash")
    assert end.state == "failed"
    assert end.error is not None
    assert "Bus error of the tests" in (end.error.technical or "")


def test_its_own_error_is_passed_on(follow: Follow) -> None:
    end, _ = follow("fail")
    assert end.error is not None
    assert (end.state, end.error.title) == ("failed", "Out of memory")


def test_one_that_a_dead_worker_left_is_waited_for(follow: Follow) -> None:
    assert follow("locked", "locked", "locked", "succeed")[0].state == "succeeded"


@pytest.mark.parametrize(("what", "state"), [("cancel", "cancelled"), ("leave", "handed_back")])
def test_it_obeys(follow: Follow, tmp_path: Path, what: str, state: str) -> None:
    assert follow("wait", wishes=WhenReady(tmp_path, what))[0].state == state


def test_one_that_does_not_obey_is_ended(follow: Follow, settings: Settings, tmp_path: Path) -> None:
    settings.engine.cancel_grace_seconds = 0.1
    started = time.monotonic()
    assert follow("deaf", wishes=WhenReady(tmp_path, "cancel"))[0].state == "cancelled"
    assert time.monotonic() - started < 30


def test_the_chosen_judge_of_images_is_handed_on(follow: Follow, settings: Settings, tmp_path: Path) -> None:
    settings.engine.embeddings = tmp_path / "dino"
    assert follow("succeed")[1].events[-1].data["what"] == str(tmp_path / "dino")
