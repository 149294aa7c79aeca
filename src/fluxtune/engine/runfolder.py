"""The run folder: its paths, lock, event log and control files (laid out in `events.py`). No torch here."""

import contextlib
import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.config import RunConfig, Snapshot
from fluxtune.engine.events import RunEvent, RunEventType, RunResult

Content = TypeVar("Content", RunConfig, Snapshot, RunResult)
Control = Literal["cancel", "stop", "pause"]
CONTROLS: tuple[Control, ...] = ("cancel", "stop", "pause")  # these end a run; the first found is obeyed
Wish = Literal["sample", "save", "resume", "leave"]
WISHES: tuple[Wish, ...] = ("sample", "save", "resume", "leave")


class RunLocked(Exception):
    """Another trainer holds this run folder."""


class RunFolder:
    """Paths and small files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.cache = path / "cache"
        self.snapshot = path / "snapshot"
        self.adapter = path / "adapter.safetensors"
        self.result = path / "result.json"
        self.healed = path / "healed.json"

    def read_config(self) -> RunConfig:
        """Read `run.json`; raise `InvalidInput` when it is missing or not of our making."""
        return _read(self.path / "run.json", RunConfig)

    def read_snapshot(self) -> Snapshot:
        """Read `snapshot/snapshot.json`; raise `InvalidInput` when it is missing or not of our making."""
        return _read(self.snapshot / "snapshot.json", Snapshot)

    def read_result(self) -> RunResult | None:
        """Read `result.json`, or None while there is none."""
        return _read(self.result, RunResult) if self.result.is_file() else None

    def sample_file(self, step: int, index: int) -> Path:
        """Return where the sample of prompt `index` at a step lies; step 0 is the untouched base."""
        return self.samples / (f"step-{step:06d}-{index}.png" if step else f"base-{index}.png")

    def requested(self) -> Control | None:
        """Return what the control folder asks for, if anything."""
        for control in CONTROLS:
            if (self.path / "control" / control).exists():
                return control
        return None

    def wishes(self, wish: Wish) -> bool:
        """Does the control folder ask for this?"""
        return (self.path / "control" / wish).exists()

    def clear_requests(self, *only: Control | Wish) -> None:
        """Remove control files, all or some: what they asked for is done."""
        for control in only or (*CONTROLS, *WISHES):
            (self.path / "control" / control).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for as long as this process lives; raise `RunLocked` when another does."""
        with (self.path / "run.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunLocked(f"Another trainer is already working in {self.path}.") from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


class EventLog:
    """Appends to `events.jsonl`: one JSON object a line, each line written in one go and flushed.

    A last line cut short by a crash is cut off first, and `seq` goes on from the last whole one.
    """

    def __init__(self, path: Path) -> None:
        self.sampled: set[tuple[int, int]] = set()
        self._lock = threading.Lock()
        self._seq, self._size = self._repair(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, type_: RunEventType, **data: Any) -> None:
        """Append one event. Raises `OSError` (disk full) with the file left whole."""
        with self._lock:
            event = RunEvent(seq=self._seq + 1, at=datetime.now(UTC), type=type_, data=data)
            line = event.model_dump_json().encode() + b"\n"
            try:
                written = os.write(self._file, line)
                if written != len(line):
                    raise OSError(errno.ENOSPC, "only part of an event could be written")
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._size)
                raise
            self._seq += 1
            self._size += written
            if type_ == "run.sampled":
                self.sampled.add((data["step"], data["index"]))

    def close(self) -> None:
        """Close the file; further writes fail."""
        os.close(self._file)

    def _repair(self, path: Path) -> tuple[int, int]:
        """Cut a broken tail off; return the last seq and the length in bytes."""
        if not path.exists():
            return 0, 0
        seq, size = 0, 0
        with path.open("r+b") as file:
            for line in file:
                event = _event_of(line)
                if event is None:
                    break
                seq, size = event["seq"], size + len(line)
                if event["type"] == "run.sampled":
                    self.sampled.add((event["data"]["step"], event["data"]["index"]))
            file.truncate(size)
        return seq, size


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _event_of(line: bytes) -> dict[str, Any] | None:
    """Parse one line, or None when it is cut short or no event."""
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and {"seq", "type", "data"} <= event.keys() else None


def _read(path: Path, kind: type[Content]) -> Content:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path.name} of the run can't be read.", title="The run folder is broken", technical=str(error)
        ) from error
