"""What a run says, stored as it comes: loss, samples, checkpoints, log."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from fluxtune.core.errors import FileRefused
from fluxtune.engine.events import RunEvent
from fluxtune.finetunes import repository
from fluxtune.finetunes.tables import (
    CheckpointRow,
    FinetuneRow,
    FinetuneSampleRow,
    HealingRow,
    ImageLossRow,
    LogLineRow,
    LossPointRow,
    ValidationRow,
)
from fluxtune.images.service import ImageService, StoredContent, store_content
from fluxtune.imaging import embed_recipe
from fluxtune.jobs.tasks import JobContext
from fluxtune.storage import Blobs

SMOOTHING = 0.05
"""Weight of a new point; the first points are averaged plainly, so that the curve doesn't hang on its start."""

Handler = Callable[[Session, FinetuneRow, RunEvent], None]


class RunRecorder:
    """Stores the events of one run; the sink of its backend."""

    def __init__(self, job: JobContext, blobs: Blobs, run_dir: Path) -> None:
        self._job = job
        self._blobs = blobs
        self._run_dir = run_dir
        self._contents: dict[int, StoredContent] = {}
        self._smoothed: tuple[int, float] | None = None
        self._handlers: dict[str, Handler] = {
            "run.started": self._started,
            "run.phase": self._phase,
            "run.progressed": self._progressed,
            "run.validated": self._validated,
            "run.image_losses": self._image_losses,
            "run.healed": self._healed,
            "run.resumed": self._resumed,
            "run.sampled": self._sampled,
            "run.checkpointed": self._checkpointed,
            "run.logged": self._logged,
        }

    def last_seq(self) -> int:
        """Return the number of the last run event stored."""
        with self._job.reading() as session:
            row = repository.find_finetune(session, self._job.target_id)
            return row.last_seq if row is not None else 0

    def receive(self, events: Sequence[RunEvent]) -> None:
        """Store events, in order, and the number of the last one, in one transaction."""
        known = [event for event in events if event.type in self._handlers]
        if not known:
            return  # heartbeats only
        for event in known:
            if event.type == "run.sampled":
                self._store_sample(event)  # decoding and thumbnails, before the transaction
        with self._job.transaction() as session:
            row = repository.find_finetune(session, self._job.target_id)
            if row is None:
                return
            for event in known:
                if event.seq > row.last_seq:
                    self._handlers[event.type](session, row, event)
            row.last_seq = max(row.last_seq, events[-1].seq)
        self._contents.clear()

    def _started(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        row.device = str(event.data.get("device", ""))
        resumed_from = event.data.get("resumed_from")
        self._smoothed = None
        if resumed_from is None:
            self._write_log(session, event, "info", f"Started on {row.device} with {row.image_count} images.")
        else:
            repository.remove_steps_after(session, row.id, int(resumed_from))
            self._write_log(session, event, "info", f"Went on from step {resumed_from} on {row.device}.")

    def _phase(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        data = {key: event.data.get(key) for key in ("phase", "done", "total")}
        self._job.emit(session, "job.phase", data)
        if not data["done"]:
            self._write_log(session, event, "info", f"{str(data['phase']).capitalize()}.")

    def _progressed(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        data = event.data
        step, loss = int(data["step"]), float(data["loss"])
        smoothed = self._smooth(session, row, step, loss)
        point = LossPointRow(
            finetune_id=row.id, step=step, loss=loss, smoothed=smoothed, learning_rate=float(data["learning_rate"]),
            grad_norm=float(data["grad_norm"]), seconds_per_step=float(data["seconds_per_step"]),
            memory_bytes=_int(data.get("memory_bytes")), device_load=data.get("device_load"),
        )  # fmt: skip
        repository.save_all(session, [point])
        row.loss, row.seconds_per_step = loss, point.seconds_per_step
        memory = row.memory_bytes = point.memory_bytes
        row.device_load = point.device_load
        if memory:
            row.peak_memory_bytes = max(row.peak_memory_bytes or 0, int(memory))
        progress = {
            "step": step, "steps": int(data["steps"]), "eta_s": data.get("eta_s"), "loss": loss, "smoothed": smoothed,
            "learning_rate": point.learning_rate, "grad_norm": point.grad_norm,
            "seconds_per_step": point.seconds_per_step, "memory_bytes": memory, "device_load": point.device_load,
        }  # fmt: skip
        self._job.emit(session, "job.progressed", progress)

    def _smooth(self, session: Session, row: FinetuneRow, step: int, loss: float) -> float:
        if self._smoothed is None:
            count, before = repository.loss_before(session, row.id, step)
        else:
            count, before = self._smoothed
        weight = max(SMOOTHING, 1 / (count + 1))
        smoothed = loss if before is None else before + weight * (loss - before)
        self._smoothed = (count + 1, smoothed)
        return smoothed

    def _validated(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        data = event.data
        point = ValidationRow(
            finetune_id=row.id, step=int(data["step"]), loss=float(data["loss"]), base_loss=data.get("base_loss"),
            by_sigma=dict(data.get("by_sigma") or {}), measured_on=str(data["on"]),
            image_count=int(data["image_count"]),
        )  # fmt: skip
        repository.save_all(session, [point])
        self._job.emit(session, "job.validated", {**data, "by_sigma": point.by_sigma})

    def _image_losses(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        step = int(event.data["step"])
        reports = [
            ImageLossRow(
                finetune_id=row.id,
                step=step,
                index=int(each["index"]),
                loss=float(each["loss"]),
                count=int(each["count"]),
            )
            for each in event.data["losses"]
        ]
        repository.save_all(session, reports)

    def _healed(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        data = event.data
        healing = HealingRow(
            finetune_id=row.id, seq=event.seq, step=int(data["step"]), trouble=str(data["trouble"])[:40],
            message=str(data["message"]), changes=dict(data["changes"]), goes_on_from=int(data["goes_on_from"]),
            at=event.at,
        )  # fmt: skip
        repository.save_all(session, [healing])
        # It goes back to its last checkpoint and measures these steps again.
        repository.remove_steps_after(session, row.id, healing.goes_on_from)
        self._smoothed = None
        self._job.emit(session, "job.healed", {**data, "at": event.at.isoformat()})
        self._write_log(session, event, "warning", f"{healing.message} Going on from step {healing.goes_on_from}.")

    def _resumed(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        step = int(event.data["step"])
        self._job.emit(session, "job.resumed", {"step": step})
        self._write_log(session, event, "info", f"Went on from step {step}; the model was still loaded.")

    def _store_sample(self, event: RunEvent) -> None:
        file = self._run_dir / "samples" / Path(str(event.data["file"])).name
        facts = {key: event.data.get(key) for key in ("prompt", "seed", "step")}
        recipe = {"kind": "sample", "finetune_id": self._job.target_id, **facts}
        parameters = f"{facts['prompt']}\nSeed: {facts['seed']}, Finetune step: {facts['step']}"
        try:
            png = embed_recipe(file.read_bytes(), recipe, parameters)
            self._contents[event.seq] = store_content(self._blobs, png)
        except (FileNotFoundError, FileRefused):
            return  # a sample that was removed by hand must not stop the run

    def _sampled(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        content = self._contents.get(event.seq)
        if content is None:
            return
        step, index, prompt = int(event.data["step"]), int(event.data["index"]), str(event.data["prompt"])
        image = ImageService(session, self._blobs).create_image(content, "sample")
        sample = FinetuneSampleRow(finetune_id=row.id, step=step, row=index, prompt=prompt, image_id=image.id)
        repository.save_all(session, [sample])
        if index == 0 or row.cover_image_id is None:
            row.cover_image_id = image.id
        data = {"row": index, "step": step, "prompt": prompt, "image": image.model_dump(mode="json")}
        self._job.emit(session, "job.sampled", data)

    def _checkpointed(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        step, byte_count = int(event.data["step"]), int(event.data["byte_count"])
        folder = Path(str(event.data["folder"])).name
        checkpoint = CheckpointRow(
            finetune_id=row.id, step=step, folder=folder, byte_count=byte_count, created_at=event.at
        )
        repository.save_all(session, [checkpoint])
        self._job.emit(session, "job.checkpointed", {"step": step, "byte_count": byte_count})
        self._write_log(session, event, "info", f"Saved a checkpoint at step {step}.")

    def _logged(self, session: Session, row: FinetuneRow, event: RunEvent) -> None:
        self._write_log(session, event, str(event.data.get("level", "info")), str(event.data.get("message", "")))

    def _write_log(self, session: Session, event: RunEvent, level: str, message: str) -> None:
        line = LogLineRow(
            finetune_id=self._job.target_id, seq=event.seq, at=event.at, level=level[:16], message=message
        )
        repository.save_all(session, [line])
        self._job.emit(session, "job.logged", {"level": level, "message": message})


def _int(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def log_end(session: Session, row: FinetuneRow, seq: int, at: datetime, level: str, message: str) -> None:
    """Write the last line of a run's log, unless the run's own last event wrote one."""
    if repository.has_log_line(session, row.id, seq):
        return
    line = LogLineRow(finetune_id=row.id, seq=seq, at=at, level=level, message=message)
    repository.save_all(session, [line])


def tell_last_step(session: Session, job: JobContext, row: FinetuneRow, step: int) -> None:
    """Tell the last step once more: progress is thinned out, and a run that was stopped may end between two."""
    point = repository.find_loss_point(session, row.id, step)
    if point is not None:
        numbers = {
            name: getattr(point, name)
            for name in ("step", "loss", "smoothed", "learning_rate", "grad_norm", "seconds_per_step")
        }
        rest = {"steps": row.recipe["steps"], "eta_s": 0.0, "memory_bytes": None, "device_load": None}
        job.emit(session, "job.progressed", {**numbers, **rest})
