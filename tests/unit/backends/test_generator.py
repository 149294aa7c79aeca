"""The generator stays while it is used, is started again when it dies, and ends when it is not needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxtune.backends.base import Request
from fluxtune.backends.local import backend as backend_module
from fluxtune.backends.local.backend import LocalBackend
from fluxtune.config import Settings
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import GeneratorEvent
from tests.unit.backends.test_training import Wishes


class Images:
    def __init__(self) -> None:
        self.events: list[GeneratorEvent] = []

    def receive(self, event: GeneratorEvent) -> None:
        self.events.append(event)


class WishesSoon(Wishes):
    """Wishes something only once the generator is busy."""

    def __init__(self, wish: Request) -> None:
        super().__init__()
        self._soon = wish
        self._asked = 0

    def request(self) -> Request | None:
        self._asked += 1
        return self._soon if self._asked > 3 else None


@pytest.fixture
def backend(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBackend]:
    monkeypatch.setattr(backend_module, "require_engine", lambda: None)
    backend = LocalBackend(settings)
    yield backend
    backend.close()


def request(settings: Settings, prompt: str) -> GenerationRequest:
    return GenerationRequest(
        id=prompt, base="pocket", base_path=Path("/nowhere"), prompt=prompt, seeds=[7], width=64, height=64, steps=1,
        guidance=1, out_dir=settings.paths.generation("g"),
    )  # fmt: skip


def test_one_process_serves_many_requests(backend: LocalBackend, settings: Settings) -> None:
    images = Images()
    assert backend.generate(request(settings, "a"), images, Wishes()).state == "succeeded"
    process = backend._generator._process
    assert backend.generate(request(settings, "b"), images, Wishes()).state == "succeeded"
    assert backend._generator._process is process
    assert [event.type for event in images.events].count("generation.image") == 2


def test_a_generator_that_dies_is_started_once_more(backend: LocalBackend, settings: Settings) -> None:
    assert backend.generate(request(settings, "die once"), Images(), Wishes()).state == "succeeded"


def test_a_generator_that_dies_again_fails_the_generation(backend: LocalBackend, settings: Settings) -> None:
    end = backend.generate(request(settings, "die always"), Images(), Wishes())
    assert end.state == "failed"
    assert end.error is not None
    assert end.error.type == "/errors/engine-crashed"
    assert "Bus error of the tests" in (end.error.technical or "")
    assert backend.generate(request(settings, "a"), Images(), Wishes()).state == "succeeded"


def test_cancel_keeps_the_generator(backend: LocalBackend, settings: Settings) -> None:
    assert backend.generate(request(settings, "never"), Images(), WishesSoon("cancel")).state == "cancelled"
    assert backend._generator._process is not None


def test_leaving_hands_the_generation_back(backend: LocalBackend, settings: Settings) -> None:
    wishes = Wishes()
    wishes.leaving = True
    assert backend.generate(request(settings, "never"), Images(), wishes).state == "handed_back"
    assert backend._generator._process is None


def test_an_idle_generator_is_let_go(backend: LocalBackend, settings: Settings) -> None:
    backend.generate(request(settings, "a"), Images(), Wishes())
    backend.tend()
    assert backend._generator._process is not None
    settings.engine.generator_idle_seconds = 0
    backend.tend()
    assert backend._generator._process is None
