"""Reads the log files backwards, newest line first, no further than needed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, get_args

from fluxtune.config.paths import Paths
from fluxtune.config.redaction import Redactor
from fluxtune.logs.schemas import LogLevel, LogPage, LogRecord

LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
MOST = 500
_CHUNK = 65_536
# Looking through everything for a rare word may take long; who asks every two seconds gets what was found so far.
_LOOK_THROUGH = 12_000_000
_SHOWN = frozenset({"event", "level", "logger", "timestamp", "process", "job_id", "request_id", "exception"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: from this level on, of a part or process, of one job or request, with these words in them."""

    level: LogLevel = "debug"
    part: str = ""
    job_id: str = ""
    request_id: str = ""
    words: str = ""

    def may_be_in(self, raw: bytes) -> bool:
        """Return whether a line may be wanted, judging by its bytes: most are not, and need not be understood."""
        lowered = raw.lower()
        ids = (self.job_id, self.request_id)
        return all(each.encode() in raw for each in ids) and all(
            json.dumps(word)[1:-1].lower().encode() in lowered or word.lower().encode() in lowered
            for word in self.words.split()
        )

    def accepts(self, line: LogRecord) -> bool:
        """Return whether a line is wanted."""
        return (
            LEVELS.index(line.level) >= LEVELS.index(self.level)
            and (not self.part or self.part in (line.part, line.process))
            and (not self.job_id or line.job_id == self.job_id)
            and (not self.request_id or line.request_id == self.request_id)
        )


def read(paths: Paths, wanted: Wanted, limit: int, redactor: Redactor) -> LogPage:
    """Return the newest wanted lines. Secrets are taken out once more: older files may be from before that was done."""
    lines: list[LogRecord] = []
    parts: set[str] = set()
    looked = 0
    for line_id, raw in _backwards(paths.log_file):
        looked += len(raw)
        if looked > _LOOK_THROUGH or len(lines) >= limit:
            return LogPage(lines=lines, parts=sorted(parts), is_all=False)
        if not wanted.may_be_in(raw) and len(parts) > 0 and looked > _CHUNK * 4:
            continue
        line = _understand(line_id, raw, redactor)
        if line is None:
            continue
        parts.update((line.part, line.process))
        if wanted.may_be_in(raw) and wanted.accepts(line):
            lines.append(line)
    return LogPage(lines=lines, parts=sorted(parts), is_all=True)


def _backwards(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield lines of a log file and its older ones, newest first, each with a name that stays."""
    older = sorted(file.parent.glob(f"{file.name}.*"), key=lambda path: int(path.suffix[1:] or 0))
    for path in (file, *older):
        try:
            with path.open("rb") as stream:
                yield from _lines(stream)
        except OSError:  # rotated away just now
            continue


def _lines(stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    inode = os.fstat(stream.fileno()).st_ino
    position = stream.seek(0, os.SEEK_END)
    rest = b""
    while position > 0:
        size = min(_CHUNK, position)
        position -= size
        stream.seek(position)
        pieces = (stream.read(size) + rest).split(b"\n")
        offset = position + sum(len(piece) + 1 for piece in pieces) - 1
        for piece in reversed(pieces[1:]):
            offset -= len(piece)
            if piece:
                yield f"{inode:x}-{offset:x}", piece
            offset -= 1
        rest = pieces[0]
    if rest:
        yield f"{inode:x}-0", rest


def _understand(line_id: str, raw: bytes, redactor: Redactor) -> LogRecord | None:
    try:
        record: Any = json.loads(raw)
    except ValueError:
        return None  # a line that was cut short when the power went
    if not isinstance(record, dict):
        return None
    fields: dict[str, Any] = redactor.value(record)
    level = str(fields.get("level", "info"))
    return LogRecord(
        id=line_id,
        at=_time(fields.get("timestamp")),
        level=level if level in LEVELS else "info",
        process=str(fields.get("process", "")),
        part=part_of(str(fields.get("logger", ""))),
        logger=str(fields.get("logger", "")),
        event=str(fields.get("event", "")),
        job_id=fields.get("job_id"),
        request_id=fields.get("request_id"),
        exception=fields.get("exception"),
        rest={name: value for name, value in fields.items() if name not in _SHOWN},
    )


def part_of(logger: str) -> str:
    """Return the package a logger belongs to: `fluxtune.jobs.runner` is of `jobs`, `uvicorn.error` of `uvicorn`."""
    names = logger.split(".")
    return names[1] if names[0] == "fluxtune" and len(names) > 1 else names[0]


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
