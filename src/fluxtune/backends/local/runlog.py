"""Reading a run's `events.jsonl` while it grows."""

from pathlib import Path

from pydantic import ValidationError

from fluxtune.engine.events import RunEvent


class RunLog:
    """Reads whole lines only; what a crash cut short is written again by the next trainer."""

    def __init__(self, path: Path, after_seq: int = 0) -> None:
        self._path = path
        self._offset = 0
        self.seq = after_seq
        self.is_paused = False
        """Whether the last trainer said that it waits, also in events that are not returned again."""

    def read(self) -> list[RunEvent]:
        """Return events not returned before, in order."""
        try:
            size = self._path.stat().st_size
            if size < self._offset:
                self._offset = 0  # the file was repaired to less than we had seen; numbers tell what is new
            if size == self._offset:
                return []
            with self._path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [event for line in whole.splitlines() if (event := self._take(line)) is not None]

    def _take(self, line: bytes) -> RunEvent | None:
        try:
            event = RunEvent.model_validate_json(line)
        except ValidationError:
            return None
        if event.type == "run.paused":
            self.is_paused = True
        elif event.type in ("run.started", "run.resumed"):
            self.is_paused = False
        if event.seq <= self.seq:
            return None
        self.seq = event.seq
        return event
