"""What following a job says in a pipe."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from fluxtune.cli import follow
from fluxtune.cli.output import Output
from fluxtune.jobs.schemas import JobEvent


class Played:
    """A studio whose job tells these phases."""

    def __init__(self, phases: list[tuple[str, int | None, int | None]]) -> None:
        self.phases = phases

    def follow(self, job_id: str) -> Any:
        known: dict[str, Any] = {"kind": "health", "job_id": job_id, "target_id": "f", "at": datetime.now(UTC)}
        for number, (phase, done, total) in enumerate(self.phases):
            data = {"phase": phase, "done": done, "total": total}
            yield JobEvent(id=number, type="job.phase", data=data, **known)


def test_in_a_pipe_a_line_tells_each_phase_and_how_far_a_long_one_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 4.0, 8.0, 12.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    played: Any = Played(
        [("measuring", None, None), ("drawing with step 100", 0, 68), ("drawing with step 100", 5, 68),
         ("drawing with step 100", 9, 68)]
    )  # fmt: skip
    monkeypatch.setattr(follow, "PHASE_SECONDS", 6.0)
    follow.follow_job(played, "j", Output(False), "Health")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "Health: measuring", "Health: drawing with step 100, 0 of 68", "Health: drawing with step 100, 9 of 68",
    ]  # fmt: skip
