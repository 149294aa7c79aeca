"""What several tests of runs do to them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fluxtune.engine import learner


def adapter_of(run: Path) -> bytes:
    """The result's file."""
    return (run / "adapter.safetensors").read_bytes()


def at_step(step: int, action: Callable[[], None], monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Do something once (or so many times), right before a step (0 is the first)."""
    original = learner.Learner.train_step
    done: list[int] = []

    def train_step(self: learner.Learner, number: int) -> tuple[float, float]:
        if number == step and len(done) < times:
            done.append(number)
            action()
        return original(self, number)

    monkeypatch.setattr(learner.Learner, "train_step", train_step)


def ask(run: Path, control: str) -> None:
    """Put a file into a run's control folder."""
    (run / "control").mkdir(exist_ok=True)
    (run / "control" / control).touch()
