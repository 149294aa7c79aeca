"""A paused trainer keeps its model loaded, goes on when it is resumed, and leaves for whoever needs the device."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fluxtune.backends.local import backend as backend_module
from fluxtune.backends.local import children, device
from fluxtune.backends.local.backend import LocalBackend
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import RunEvent
from fluxtune.storage import is_locked
from tests.unit.backends.test_generator import Images
from tests.unit.backends.test_generator import request as generation
from tests.unit.backends.test_training import Scene, Wishes, scene

__all__ = ["scene"]


@pytest.fixture
def backend(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBackend]:
    monkeypatch.setattr(backend_module, "require_engine", lambda: None)
    backend = LocalBackend(settings)
    yield backend
    backend.close()
    wait_until_left(settings)


@pytest.fixture
def paused(scene: Callable[..., Scene], settings: Settings) -> Iterator[Scene]:
    """A run that is paused, its trainer waiting with the model loaded."""
    stage = scene("loaded", "succeed")
    stage.later(lambda: setattr(stage.wishes, "wish", "pause"))
    end = stage.follow()
    assert (end.state, end.data["is_loaded"]) == ("paused", True)
    stage.sink.receive([RunEvent(seq=end.seq, at=now(), type="run.paused", data=end.data)])
    stage.wishes.wish = None
    assert is_locked(stage.folder / "run.lock")
    yield stage
    device.let_go(settings)
    wait_until_left(settings)


def wait_until_left(settings: Settings) -> None:
    until = time.monotonic() + 10
    while device.loaded_runs(settings):
        assert time.monotonic() < until, "a trainer is left over"
        time.sleep(0.02)


def test_resuming_wakes_the_same_trainer(paused: Scene) -> None:
    paused.later(lambda: None)

    class Stops(Wishes):
        """Lets it go on first, then stops it."""

        def request(self):
            return "stop" if "resumed" in paused.sink.types else None

    paused.wishes.__class__ = Stops
    end = paused.follow()
    assert (end.state, paused.starts) == ("succeeded", 1)
    assert paused.sink.types[-1] == "resumed"


@pytest.mark.parametrize(("wish", "state"), [("stop", "succeeded"), ("cancel", "cancelled")])
def test_what_is_asked_of_a_paused_run_reaches_its_trainer(paused: Scene, wish: str, state: str) -> None:
    paused.wishes.wish = wish  # type: ignore[assignment]
    assert paused.follow().state == state
    assert paused.starts == 1


def test_paused_again_before_it_went_on(paused: Scene) -> None:
    paused.wishes.wish = "pause"
    assert paused.follow().state == "paused"
    assert is_locked(paused.folder / "run.lock")


def test_a_trainer_that_has_left_is_started_again(paused: Scene, settings: Settings) -> None:
    device.let_go(settings)
    wait_until_left(settings)
    assert paused.follow().state == "succeeded"
    assert paused.starts == 2


def test_a_worker_that_leaves_does_not_wait_for_it(paused: Scene) -> None:
    paused.wishes.leaving = True
    assert paused.follow().state == "handed_back"


def test_it_leaves_by_itself_after_a_while(scene: Callable[..., Scene], settings: Settings) -> None:
    settings.engine.pause_seconds = 0.3
    stage = scene("loaded")
    stage.later(lambda: setattr(stage.wishes, "wish", "pause"))
    assert stage.follow().state == "paused"
    wait_until_left(settings)


def test_another_job_gets_the_device(paused: Scene, backend: LocalBackend, settings: Settings) -> None:
    request: GenerationRequest = generation(settings, "a")
    assert backend.generate(request, Images(), Wishes()).state == "succeeded"
    assert not is_locked(paused.folder / "run.lock")
    assert not (paused.folder / "control" / "leave").exists()
    assert paused.follow().state == "succeeded"
    assert paused.starts == 2


def test_its_own_run_keeps_it(paused: Scene, backend: LocalBackend) -> None:
    paused.wishes.wish = "stop"
    assert backend.train(paused.folder, paused.sink, paused.wishes).state == "succeeded"
    assert paused.starts == 1


def test_one_that_does_not_leave_is_ended(
    scene: Callable[..., Scene], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "LEAVE_WITHIN_S", 0.2)
    settings.worker.shutdown_seconds = 0.2
    stage = scene("stubborn")
    child = children.start_detached(children.engine_command("train", str(stage.folder)), stage.folder / "trainer.log")
    children.note_process(stage.folder, child.pid)
    while not (stage.folder / "events.jsonl").exists():
        time.sleep(0.01)
    device.make_room(settings, keep=Path("another"))
    child.wait(10)
    assert not is_locked(stage.folder / "run.lock")


def test_wishes_reach_the_trainer_many_times(scene: Callable[..., Scene]) -> None:
    stage = scene("obedient")

    def ask() -> None:
        for wish in ("sample", "save", "sample"):
            stage.wishes.wanted = [wish]
            count = len(stage.sink.types)
            while len(stage.sink.types) == count:
                time.sleep(0.01)
        stage.wishes.wish = "stop"

    stage.later(ask)
    assert stage.follow().state == "succeeded"
    said = [event.data["message"] for event in stage.sink.events if event.type == "run.logged"]
    assert said == ["sample", "save", "sample"]
    assert stage.wishes.wanted == []
