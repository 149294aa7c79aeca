"""A worker with a task of its own: runs the queue of a data folder until nothing is left to do, or SIGTERM.

`queue_program.py DATA [WORKER ID]`
"""

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.config import load_settings
from fluxtune.core.errors import OutOfMemory
from fluxtune.db import Database
from fluxtune.jobs.queue import JobQueue
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep


class TestTask:
    kind: JobKind = "generation"

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        return [("one", self._one), ("two", self._two)]

    def _one(self, job: JobContext) -> StepEnd | None:
        job.tell("job.logged", {"message": "one"})
        return None

    def _two(self, job: JobContext) -> StepEnd | None:
        behaviour = job.payload["behaviour"]
        job.tell("job.logged", {"message": "two"})
        if behaviour == "fail":
            raise OutOfMemory("It needs more.")
        if behaviour == "break":
            print(1 // 0)
        if behaviour in ("pause", "cancel"):
            return StepEnd("paused" if behaviour == "pause" else "cancelled")
        if behaviour == "slow":
            for _ in range(20):
                if job.is_leaving():
                    return StepEnd("handed_back")
                time.sleep(0.1)
        while behaviour == "until told" and not (job.is_leaving() or Path(f"{sys.argv[1]}/told").exists()):
            time.sleep(0.02)
        return None

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        if job.payload["behaviour"] == "break at the end":
            raise RuntimeError("broken")
        return {}


class QuietTask(TestTask):
    kind: JobKind = "health"


def main() -> None:
    settings = load_settings(Path(sys.argv[1]))
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    queue = JobQueue(
        settings, Database.at(settings.paths.database, settings.database_url), [TestTask(), QuietTask()], leaving.is_set
    )
    queue.start(sys.argv[2] if len(sys.argv) > 2 else "local")
    while not leaving.wait(0.05):
        queue.take_next()
        queue.runner.beat()
        if not queue.active_count and not queue.runner.is_busy():
            break
    while queue.active_count:
        time.sleep(0.02)
    queue.stop()
    queue.runner.goodbye()


if __name__ == "__main__":
    main()
