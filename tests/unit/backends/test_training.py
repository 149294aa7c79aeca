"""A run is followed to its end over every way a trainer can die, and every wish is obeyed."""

import errno
import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from fluxtune.backends.base import Request, RunEnd, Wish
from fluxtune.backends.local import children
from fluxtune.backends.local.training import TrainingRun
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.engine.events import RunEvent
from fluxtune.storage import is_locked


class Sink:
    """Remembers what it received, as the database would."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []

    def last_seq(self) -> int:
        return self.events[-1].seq if self.events else 0

    def receive(self, events: Sequence[RunEvent]) -> None:
        self.events.extend(events)

    @property
    def types(self) -> list[str]:
        return [event.type.removeprefix("run.") for event in self.events]


class Wishes:
    """What the user and the worker want."""

    def __init__(self) -> None:
        self.wish: Request | None = None
        self.leaving = False
        self.wanted: list[Wish] = []

    def wishes(self) -> Sequence[Wish]:
        return list(self.wanted)

    def passed_on(self, wishes: Sequence[Wish]) -> None:
        self.wanted = [wish for wish in self.wanted if wish not in wishes]

    def request(self) -> Request | None:
        return self.wish

    def is_leaving(self) -> bool:
        return self.leaving


class Scene(NamedTuple):
    folder: Path
    sink: Sink
    wishes: Wishes
    follow: Callable[[], RunEnd]

    @property
    def starts(self) -> int:
        file = self.folder / "starts"
        return int(file.read_text()) if file.exists() else 0

    def later(self, act: Callable[[], None]) -> None:
        """Do something once the trainer works."""

        def wait_and_act() -> None:
            while "started" not in self.sink.types:
                time.sleep(0.01)
            act()

        threading.Thread(target=wait_and_act, daemon=True).start()


@pytest.fixture
def scene(settings: Settings) -> Callable[..., Scene]:
    def make(*behaviours: str) -> Scene:
        folder = settings.paths.run("a-run")
        folder.mkdir(exist_ok=True)
        (folder / "behaviour.json").write_text(json.dumps(behaviours))
        sink, wishes = Sink(), Wishes()
        return Scene(folder, sink, wishes, lambda: TrainingRun(settings, folder, sink, wishes).follow())

    return make


def test_a_run_ends_well(scene: Callable[..., Scene]) -> None:
    stage = scene("succeed")
    end = stage.follow()
    assert (end.state, end.data["step"], end.seq) == ("succeeded", 1, 3)
    # The last event is the caller's: it stores it with the end of the job, or reads it again.
    assert stage.sink.types == ["started", "progressed"]
    assert stage.follow() == end
    assert stage.starts == 1


def test_a_failure_is_the_runs_own(scene: Callable[..., Scene]) -> None:
    stage = scene("fail")
    end = stage.follow()
    assert end.state == "failed"
    assert end.error is not None
    assert end.error.title == "Out of memory"
    assert stage.starts == 1


def test_a_crash_is_survived(scene: Callable[..., Scene]) -> None:
    stage = scene("crash", "succeed")
    assert stage.follow().state == "succeeded"
    assert stage.sink.types == ["started", "started", "progressed"]


def test_crashes_without_progress_end(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.max_tries = 2
    stage = scene("crash")
    end = stage.follow()
    assert end.state == "failed"
    assert end.error is not None
    assert end.error.type == "/errors/engine-crashed"
    assert "Segmentation fault of the tests" in (end.error.technical or "")
    assert stage.starts == 3


def test_crashes_with_progress_do_not_end(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.max_tries = 1
    stage = scene("checkpoint, crash", "checkpoint, crash", "checkpoint, crash", "succeed")
    assert stage.follow().state == "succeeded"
    assert stage.starts == 4


def test_a_living_trainer_is_joined(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient")
    with subprocess.Popen(children.engine_command("train", str(stage.folder))) as trainer:
        stage.later(lambda: setattr(stage.wishes, "wish", "stop"))
        while not (stage.folder / "events.jsonl").exists():
            time.sleep(0.01)
        assert stage.follow().data["stopped_early"] is True
        trainer.wait(10)
    assert stage.starts == 1


def test_pause_and_resume(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient", "succeed")
    stage.later(lambda: setattr(stage.wishes, "wish", "pause"))
    end = stage.follow()
    assert (end.state, end.data["reason"]) == ("paused", "user")
    # Not stored yet, as after a crash: it is still paused.
    assert stage.follow().state == "paused"
    # Stored, and the user resumes.
    stage.sink.receive([RunEvent(seq=end.seq, at=now(), type="run.paused", data=end.data)])
    stage.wishes.wish = None
    assert stage.follow().state == "succeeded"
    assert stage.starts == 2


def test_cancel_reaches_the_trainer(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient")
    stage.later(lambda: setattr(stage.wishes, "wish", "cancel"))
    assert stage.follow().state == "cancelled"


def test_cancel_without_a_trainer_starts_none(scene: Callable[..., Scene]) -> None:
    stage = scene("succeed")
    stage.wishes.wish = "cancel"
    assert stage.follow().state == "cancelled"
    assert stage.starts == 0


def test_a_trainer_that_does_not_obey_is_ended(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.cancel_grace_seconds = 0.2
    stage = scene("stubborn")
    stage.later(lambda: setattr(stage.wishes, "wish", "cancel"))
    assert stage.follow().state == "cancelled"


def test_a_trainer_that_hangs_is_started_again(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.silent_after_seconds = 0.5
    stage = scene("stubborn", "succeed")
    assert stage.follow().state == "succeeded"
    assert stage.starts == 2


def test_leaving_lets_the_trainer_save(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient", "succeed")
    stage.later(lambda: setattr(stage.wishes, "leaving", True))
    end = stage.follow()
    assert end.state == "handed_back"
    stage.wishes.leaving = False
    # The next worker goes on, whether or not the last one had the time to store the end.
    assert stage.follow().state == "succeeded"
    assert stage.starts == 2


def test_leaving_ends_a_trainer_that_does_not_save(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.worker.shutdown_seconds = 0.2
    stage = scene("stubborn")
    stage.later(lambda: setattr(stage.wishes, "leaving", True))
    assert stage.follow().state == "handed_back"


def test_a_trainer_told_to_go_by_others_is_started_again(scene: Callable[..., Scene]) -> None:
    stage = scene("shutdown", "succeed")
    assert stage.follow().state == "succeeded"
    assert stage.starts == 2


def test_a_full_disk_pauses(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.min_free_disk_bytes = 2**62
    stage = scene("succeed")
    end = stage.follow()
    assert (end.state, end.data["reason"]) == ("paused", "disk-full")
    assert stage.starts == 0


def test_half_a_line_is_not_read(scene: Callable[..., Scene]) -> None:
    stage = scene("succeed")
    with (stage.folder / "events.jsonl").open("w") as file:
        file.write('{"seq":1,"at":"2026-01-01T00:00:00Z","type":"run.started","data":{}}\n{"seq":2,"at":"20')
    end = stage.follow()
    assert end.state == "succeeded"


def test_two_that_follow_one_run_have_one_trainer(scene: Callable[..., Scene], settings: Settings) -> None:
    """As when a worker is taken for dead and is not: its successor follows the same run."""
    stage = scene("obedient")
    others, wishes = Sink(), Wishes()
    ends: list[RunEnd] = []
    second = threading.Thread(target=lambda: ends.append(TrainingRun(settings, stage.folder, others, wishes).follow()))
    second.start()
    stage.later(lambda: time.sleep(0.3) or setattr(stage.wishes, "wish", "stop"))  # type: ignore[func-returns-value]
    first = stage.follow()
    second.join(20)
    assert [end.state for end in (first, *ends)] == ["succeeded", "succeeded"]
    assert stage.starts == 1


def test_what_can_not_be_stored_pauses_the_trainer(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient", "succeed")

    class Full(Sink):
        def receive(self, events: Sequence[RunEvent]) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    sink = stage.sink
    stage.sink.__class__ = Full
    with pytest.raises(OSError, match="No space"):
        stage.follow()
    until = time.monotonic() + 10
    while is_locked(stage.folder / "run.lock"):
        assert time.monotonic() < until, "it still trains"
        time.sleep(0.02)
    sink.__class__ = Sink
    stage.wishes.wish = None
    # It says first that it was paused, which the studio knows by now; then it goes on.
    end = stage.follow()
    assert end.state == "paused"
    sink.receive([RunEvent(seq=end.seq, at=now(), type="run.paused", data=end.data)])
    assert stage.follow().state == "succeeded"


def test_a_device_that_is_lost_ends_the_run_with_its_own_words(scene: Callable[..., Scene], settings: Settings) -> None:
    """A GPU that falls off the bus kills the process each time; what it printed last is kept."""
    settings.engine.max_tries = 1
    end = scene("crash").follow()
    assert end.error is not None
    assert (end.state, end.error.title) == ("failed", "The engine stopped unexpectedly")
    assert "Resume the run" in end.error.action
    assert end.error.technical
