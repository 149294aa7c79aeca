"""A worker whose jobs only count: `python -m benchmarks.team_worker DATA NAME` runs until it is ended."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.config import load_settings
from fluxtune.db import Database
from fluxtune.jobs.queue import JobQueue
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep

NAMES = [f"worker-{number}" for number in range(1, 10)]
STEP_S = 0.02
BEAT_S = 1.0


class Counted:
    """Writes its job's number down, then takes a moment in which a worker can be killed."""

    kind: JobKind = "generation"

    def __init__(self, file: Path) -> None:
        self._file = file

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return its one step."""
        return [("count", self._count)]

    def _count(self, job: JobContext) -> StepEnd | None:
        with self._file.open("a") as file:
            file.write(f"{job.job_id}\n")
        time.sleep(STEP_S)
        return None

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Store nothing."""
        return {}


def main() -> None:
    """Run the queue, as the worker does."""
    settings = load_settings(Path(sys.argv[1]))
    database = Database.at(settings.paths.database, settings.database_url)
    queue = JobQueue(settings, database, [Counted(settings.data / "counted")], lambda: False)
    queue.start(sys.argv[2])
    beaten_at = time.monotonic()
    while True:
        taken = queue.take_next()
        if time.monotonic() - beaten_at > BEAT_S:
            beaten_at = time.monotonic()
            queue.runner.beat()
            queue.runner.take_over()
        if not taken:
            time.sleep(0.005)


if __name__ == "__main__":
    main()
