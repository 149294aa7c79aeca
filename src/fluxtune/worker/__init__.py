"""The process that runs jobs."""

from fluxtune.worker.process import WorkerRunning, run_worker

__all__ = ["WorkerRunning", "run_worker"]
