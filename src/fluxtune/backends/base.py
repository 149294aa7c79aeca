"""What every place that runs work has in common: what goes in, what comes out, what can be missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fluxtune.core.errors import NotReady, Problem
from fluxtune.engine.events import GeneratorEvent, RunEvent
from fluxtune.engine.reports import HealthEvent

Request = Literal["cancel", "stop", "pause"]
Wish = Literal["sample", "save"]


@dataclass(frozen=True)
class MissingPart:
    """A part that is missing, why it is needed, and the command that adds it."""

    name: str
    reason: str
    command: str


class EngineMissing(NotReady):
    """The engine is not installed."""

    title = "The engine is not installed"


@dataclass(frozen=True)
class RunEnd:
    """How a run or a generation ended.

    `seq` is the number of the run event that said so. `handed_back`: it was saved because the worker leaves, and the
    next worker goes on with it.
    """

    state: Literal["succeeded", "cancelled", "paused", "failed", "handed_back"]
    seq: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    error: Problem | None = None


class Steering(Protocol):
    """How work under way learns what is wanted of it. A `JobContext` is one."""

    def request(self) -> Request | None:
        """Return what the user asks and what has not been obeyed yet."""
        ...

    def wishes(self) -> Sequence[Wish]:
        """Return what the user wants of a run besides, and what has not been passed on yet."""
        ...

    def passed_on(self, wishes: Sequence[Wish]) -> None:
        """Say that these wishes have reached the run."""
        ...

    def is_leaving(self) -> bool:
        """Return whether the worker is shutting down."""
        ...


class RunSink(Protocol):
    """Where the events of a training run go."""

    def last_seq(self) -> int:
        """Return the number of the last run event stored; earlier ones are not sent again."""
        ...

    def receive(self, events: Sequence[RunEvent]) -> None:
        """Store these events, in order, and the number of the last one, in one transaction."""
        ...


class GenerationSink(Protocol):
    """Where the events of a generation go. After a crash the same generation is run again from its start."""

    def receive(self, event: GeneratorEvent) -> None:
        """Store one event; an image that is stored already must not be stored twice."""
        ...


class HealthSink(Protocol):
    """Where the progress of a health check goes."""

    def receive(self, event: HealthEvent) -> None:
        """Store one event."""
        ...
