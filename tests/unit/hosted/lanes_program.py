"""A worker whose device is busy until it is told to leave, and whose hosted images are the real ones.

`lanes_program.py DATA`
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
from fluxtune.db import Database
from fluxtune.generations.tasks import GenerationTask
from fluxtune.jobs.queue import JobQueue
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.storage import Blobs
from tests.hosting import NoEngine


class BusyTask:
    """A training that never ends."""

    kind: JobKind = "finetune"

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        return [("train", self._train)]

    def _train(self, job: JobContext) -> StepEnd:
        while not job.is_leaving():
            time.sleep(0.02)
        return StepEnd("handed_back")

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        return {}


def main() -> None:
    settings = load_settings(Path(sys.argv[1]))
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    database = Database.at(settings.paths.database, settings.database_url)
    drawing = GenerationTask(settings, Blobs.at(settings.paths.blobs, settings.storage_url), NoEngine())
    queue = JobQueue(settings, database, [BusyTask(), drawing], leaving.is_set)
    queue.start("local")
    while not leaving.wait(0.02):
        queue.take_next()
        queue.runner.beat()
    while queue.active_count:
        time.sleep(0.02)
    queue.stop()
    queue.runner.goodbye()


if __name__ == "__main__":
    main()
