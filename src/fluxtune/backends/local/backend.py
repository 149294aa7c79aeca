"""This computer as a place that runs work: one device, one holder of it at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fluxtune.backends.base import GenerationSink, HealthSink, RunEnd, RunSink, Steering
from fluxtune.backends.local.captioner import LocalCaptioner
from fluxtune.backends.local.check import HealthCheck
from fluxtune.backends.local.children import LOCAL
from fluxtune.backends.local.device import let_go, make_room
from fluxtune.backends.local.generator import Generator
from fluxtune.backends.local.probe import ProbeRun
from fluxtune.backends.local.readiness import require_engine
from fluxtune.backends.local.training import TrainingRun
from fluxtune.config import Settings
from fluxtune.engine.captioning.messages import CaptionerSetup
from fluxtune.engine.config import GenerationRequest


class LocalBackend:
    """Trains and generates in child processes. All calls return when the work has ended, and raise `EngineMissing`."""

    def __init__(self, settings: Settings, worker: str = LOCAL) -> None:
        """Take the device of a worker; `worker` is its name."""
        self._settings = settings
        self._worker = worker
        self._device = threading.Lock()
        self._generator = Generator(settings)

    def train(self, run_dir: Path, sink: RunSink, steering: Steering) -> RunEnd:
        """Train in a run folder that holds `run.json` and `snapshot/`, from its last checkpoint if there is one.

        Safe to call again for the same folder, also while a trainer started by a worker that died is still at work.
        """
        require_engine()
        with self._device:
            # Two bases in memory at once may be one too many.
            self._generator.release()
            make_room(self._settings, keep=run_dir, worker=self._worker)
            return TrainingRun(self._settings, run_dir, sink, steering, self._worker).follow()

    def generate(self, request: GenerationRequest, sink: GenerationSink, steering: Steering) -> RunEnd:
        """Make the images of one request. Safe to call again for the same request."""
        require_engine()
        with self._device:
            make_room(self._settings, worker=self._worker)
            request.out_dir.mkdir(parents=True, exist_ok=True)
            return self._generator.generate(request, sink, steering)

    def check(self, run_dir: Path, sink: HealthSink, steering: Steering) -> RunEnd:
        """Measure the checkpoints of a finished run. Safe to call again: what is measured already stays."""
        require_engine()
        with self._device:
            self._generator.release()
            make_room(self._settings, worker=self._worker)
            return HealthCheck(self._settings, run_dir, sink, steering).follow()

    def probe(self, folder: Path, steering: Steering) -> RunEnd:
        """Measure a few steps in a folder that holds `run.json` and `snapshot/`; what they took is the end's data."""
        require_engine()
        with self._device:
            self._generator.release()
            make_room(self._settings, worker=self._worker)
            return ProbeRun(self._settings, folder, steering).follow()

    @contextmanager
    def captioner(self, setup: CaptionerSetup, steering: Steering) -> Iterator[LocalCaptioner]:
        """Load a captioner for as long as the block lasts. Only one that is a large model needs the device's room."""
        require_engine()
        with self._device:
            if setup.kind == "model":
                self._generator.release()
                make_room(self._settings, worker=self._worker)
            with LocalCaptioner(self._settings, setup, steering) as captioner:
                yield captioner

    def tend(self) -> None:
        """Let go of what idles; call now and then."""
        self._generator.release_if_idle()

    def close(self) -> None:
        """End the generator and trainers that wait, paused. A trainer at work goes on by itself."""
        self._generator.release()
        let_go(self._settings, self._worker)
