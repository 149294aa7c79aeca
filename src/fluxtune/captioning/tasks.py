"""What the worker runs for automatic captions: one image after the other, each kept at once."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from fluxtune.backends.base import Steering
from fluxtune.backends.local.captioner import Interrupted, LocalCaptioner
from fluxtune.backends.vision.client import VisionBusy, VisionClient, VisionFailed, VisionRefused
from fluxtune.captioning.servers import EndpointService
from fluxtune.config import Settings
from fluxtune.datasets.caption_history.automatic import AutomaticCaptions, Uncaptioned
from fluxtune.datasets.service import DatasetService
from fluxtune.engine.captioning.messages import CaptionerSetup
from fluxtune.engine.captions import with_trigger
from fluxtune.images.service import ImageService
from fluxtune.imaging import encode_as
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.storage import Blobs

SEEN_SIDE = 768
"""Captioners see the large thumbnail: upright, in sRGB, and small enough to send."""
MAX_TOKENS = 160
MOST_FAILURES = 3
"""Images in a row for which a server gives no answer; then it is taken to be out of order."""
_LOOK_S = 0.1

Ask = Callable[[str, bytes], tuple[str | None, str]]
"""From an image's id and JPEG to its caption, or None and why there is none."""


class LocalCaptioners(Protocol):
    """A backend that describes images on this computer."""

    def captioner(self, setup: CaptionerSetup, steering: Steering) -> AbstractContextManager[LocalCaptioner]:
        """Load a captioner for as long as the block lasts."""
        ...


class CaptionTask:
    """One captioner's work on one dataset. Interrupted anywhere, it goes on with the images that are not done."""

    kind: JobKind = "captions"

    def __init__(self, settings: Settings, blobs: Blobs, backend: LocalCaptioners) -> None:
        self._settings = settings
        self._blobs = blobs
        self._backend = backend

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("write", self._write)]

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Close the step of the history, unless the next worker goes on with it."""
        if end.state == "handed_back":
            return {}
        step = AutomaticCaptions(session).end(job.job_id)
        return {"changed_count": step.changed_count, "noted_count": len(step.notes)} if step else {}

    def _write(self, job: JobContext) -> StepEnd | None:
        job.tell("job.phase", {"phase": "loading the captioner", "done": None, "total": None})
        with job.reading() as session:
            DatasetService(session, self._blobs).find_row(job.target_id, writable=True)
            payload = job.payload
            left = AutomaticCaptions(session).remaining(
                job.job_id, job.target_id, payload["image_ids"], payload["scope"]
            )
        total = len(payload["image_ids"])
        try:
            with self._open(job) as ask:
                job.tell("job.phase", {"phase": "writing captions", "done": None, "total": None})
                started = time.monotonic()
                for number, item in enumerate(left):
                    _look(job)
                    done = total - len(left) + number
                    pace = (time.monotonic() - started) / number if number else None
                    self._one(job, ask, item, done + 1, total, pace and pace * (len(left) - number - 1))
        except Interrupted:
            return StepEnd("handed_back") if job.request() is None else StepEnd("cancelled")
        return None

    def _one(self, job: JobContext, ask: Ask, item: Uncaptioned, done: int, total: int, eta_s: float | None) -> None:
        """Caption one image and keep it, with the progress, in one transaction."""
        with job.reading() as session:
            read = ImageService(session, self._blobs).get_thumbnail(item.image_id, SEEN_SIDE).read
        text, reason = ask(item.id, encode_as(read(), "jpeg"))
        payload = job.payload
        with job.transaction() as session:
            captions = AutomaticCaptions(session)
            if text is None:
                captions.note(job.job_id, job.target_id, item.id, reason)
            else:
                text = with_trigger(text, payload["trigger_word"])
                captions.write(job.job_id, job.target_id, item.id, text, payload["source"], payload["scope"])
            eta_s = None if eta_s is None else round(eta_s, 1)
            job.emit(session, "job.progressed", {"step": done, "steps": total, "eta_s": eta_s})

    def _open(self, job: JobContext) -> AbstractContextManager[Ask]:
        return self._ask_server(job) if job.payload["kind"] == "endpoint" else self._ask_here(job)

    @contextmanager
    def _ask_here(self, job: JobContext) -> Iterator[Ask]:
        payload = job.payload
        setup = CaptionerSetup(
            kind=payload["kind"], model=payload["model"], prompt=payload["prompt"], mode=payload["mode"],
            trigger_word=payload["trigger_word"], max_tokens=MAX_TOKENS,
        )  # fmt: skip
        with (
            tempfile.TemporaryDirectory(prefix="fluxtune-captions-") as folder,
            self._backend.captioner(setup, job) as captioner,
        ):
            file = Path(folder) / "image.jpg"

            def ask(image_id: str, jpeg: bytes) -> tuple[str | None, str]:
                file.write_bytes(jpeg)
                return captioner.caption(image_id, file)

            yield ask

    @contextmanager
    def _ask_server(self, job: JobContext) -> Iterator[Ask]:
        with job.reading() as session:
            target = EndpointService(session, self._settings).open_target(job.payload["endpoint"])
        with VisionClient(target, timeout_s=self._settings.captions.timeout_seconds) as client:
            yield _Patient(client, job, self._settings).ask


class _Patient:
    """Asks a server again while it is busy; gives up an image after some tries, and the server after some images."""

    def __init__(self, client: VisionClient, job: JobContext, settings: Settings) -> None:
        self._client = client
        self._job = job
        self._settings = settings.captions
        self._failed_in_a_row = 0

    def ask(self, image_id: str, jpeg: bytes) -> tuple[str | None, str]:
        """Return the caption, or None and why there is none; raise VisionFailed when the server is out of order."""
        why = ""
        for number in range(self._settings.tries):
            try:
                text = self._client.describe(jpeg, self._job.payload["prompt"], MAX_TOKENS)
            except VisionRefused as refused:
                self._failed_in_a_row = 0
                return None, f"The model would not describe it. {refused}"
            except VisionBusy as busy:
                why = str(busy)
                if number + 1 < self._settings.tries:
                    wait_s = self._settings.retry_seconds * 2**number
                    self._wait(wait_s if busy.retry_after_s is None else busy.retry_after_s)
            else:
                self._failed_in_a_row = 0
                return text, ""
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= MOST_FAILURES:
            raise VisionFailed(
                f"{MOST_FAILURES} images in a row got no answer. {why}",
                action="Look after the server, then start again; captions that were written stay.",
            )
        return None, f"The server gave no caption in {self._settings.tries} tries. {why}"

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            _look(self._job)
            time.sleep(min(_LOOK_S, max(0.0, until - time.monotonic())))


def _look(job: JobContext) -> None:
    """Raise Interrupted when the job shall end, or the worker leaves."""
    if job.is_leaving() or job.request() is not None:
        raise Interrupted
