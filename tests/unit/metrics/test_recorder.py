"""Measures are written down, once, at three grains, and old ones go."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import OutOfMemory
from fluxtune.db import Database
from fluxtune.jobs import repository as job_rows
from fluxtune.jobs import service as jobs
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd
from fluxtune.metrics import repository, service, sources
from fluxtune.metrics.meter import Meter
from fluxtune.metrics.recorder import Recorder
from fluxtune.metrics.sources import Sample, watch_storage
from fluxtune.storage import Blobs


class Clock:
    def __init__(self) -> None:
        self.at = service.floor(now(), 14_400) + timedelta(seconds=5)

    def __call__(self) -> datetime:
        return self.at


class Fitful:
    """A task that draws two images, or runs out of memory."""

    kind: JobKind = "generation"

    def steps(self):
        return [("draw", self._draw)]

    def _draw(self, job: JobContext) -> StepEnd | None:
        if job.payload["fails"]:
            raise OutOfMemory("It did not fit.")
        for model in ("m1", "at:x"):
            job.tell("job.image_finished", {"index": 0, "result": {"facts": {"model_id": model}}})
        job.tell("job.progressed", {"step": 1, "steps": 1, "seconds_per_step": 0.5})
        return None

    def finish(self, *_):
        return {}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(settings: Settings, database: Database, clock: Clock) -> Callable[..., Recorder]:
    return lambda **rest: Recorder(settings, database, clock=clock, meter=rest.pop("meter", Meter()), **rest)


def run_jobs(database: Database) -> None:
    runner = JobRunner(database, [Fitful()], lambda: False)
    for fails in (False, True, False):
        with database.transaction() as session:
            lane = "network" if fails is False else "device"
            job = jobs.enqueue(session, "generation", "g", "A job", {"fails": fails}, lane=lane)  # type: ignore[arg-type]
        for name in runner.begin(job.id, 0):
            end = runner.run_step(job.id, name)
        runner.finish(job.id, 0, end)


def sums(database: Database, span: service.Range, at: datetime) -> dict[str, float | None]:
    with database.reading() as session:
        page = service.read(session, span, None, at)
    return {f"{each.name} {line.label}".strip(): line.sum for each in page.series for line in each.lines}


def test_jobs_are_counted_once_whoever_looks_and_however_often(
    database: Database, recorder: Callable[..., Recorder], clock: Clock
) -> None:
    run_jobs(database)
    clock.at = now()
    for _ in range(2):
        recorder(is_keeper=True).record()
        recorder(is_keeper=True).record()
    for span in ("hour", "day", "month"):
        found = sums(database, span, clock.at)
        assert found["jobs_ended generation succeeded"] == 2, span
        assert found["jobs_ended generation failed"] == 1
        assert found["job_errors out-of-memory"] == 1
        assert (found["images_made bfl"], found["images_made server"]) == (2, 2)
    with database.reading() as session:
        totals = repository.list_totals(session)
    assert totals["jobs_ended", "generation succeeded"].total == 2
    assert totals["job_wait_seconds", "generation"].count == 3
    assert totals["step_seconds", ""].last == 0.5


def test_what_processes_count_adds_up_and_gauges_are_means(
    database: Database, recorder: Callable[..., Recorder], clock: Clock
) -> None:
    for value in (1.0, 3.0):
        meter = Meter()
        meter.add("request_errors", 1, "404")
        recorder(meter=meter, sources=[lambda _, v=value: [Sample("listeners", "a", v)]]).record()
    with database.reading() as session:
        page = service.read(session, "hour", ["request_errors", "listeners"], clock.at)
    errors, listeners = page.series
    assert errors.lines[0].sum == 2
    assert len(errors.lines[0].points) == 60
    (point,) = listeners.lines[0].points
    assert (point.value, point.most, point.count) == (2.0, 3.0, 2)


def test_what_could_not_be_written_is_written_later(
    database: Database, recorder: Callable[..., Recorder], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter()
    meter.add("request_errors", 1, "500")
    mine = recorder(meter=meter)
    with monkeypatch.context() as patched:
        patched.setattr(repository, "merge_points", lambda *_: (_ for _ in ()).throw(OSError("no room")))
        with pytest.raises(OSError, match="no room"):
            mine.record()
    mine.record()
    assert sums(database, "hour", clock.at)["request_errors 500"] == 1


def test_old_points_go_and_coarse_ones_stay(
    database: Database, recorder: Callable[..., Recorder], clock: Clock
) -> None:
    meter = Meter()
    meter.add("request_errors", 1, "404")
    recorder(meter=meter, is_keeper=True).record()
    clock.at += timedelta(days=20)
    recorder(is_keeper=True).record()
    with database.reading() as session:
        kept = {
            grain.seconds: len(
                list(
                    repository.list_points(session, grain.seconds, datetime.min.replace(tzinfo=UTC), ["request_errors"])
                )
            )
            for grain in service.GRAINS
        }
    assert kept == {60: 0, 900: 0, 14_400: 1}
    assert sums(database, "month", clock.at)["request_errors 404"] == 1


def test_the_data_folder_is_measured_now_and_then(
    settings: Settings, database: Database, recorder: Callable[..., Recorder], clock: Clock
) -> None:
    settings.storage_url = None
    (settings.paths.models / "m").mkdir()
    (settings.paths.models / "m" / "v1.safetensors").write_bytes(b"x" * 1_000)
    recorder(is_keeper=True).record()
    (settings.paths.models / "m" / "v2.safetensors").write_bytes(b"x" * 1_000)
    recorder(is_keeper=True).record()
    with database.reading() as session:
        (series,) = service.read(session, "hour", ["stored_bytes"], clock.at).series
    assert {line.label: line.last for line in series.lines}["models"] == 1_000
    clock.at += timedelta(minutes=20)
    recorder(is_keeper=True).record()
    with database.reading() as session:
        (series,) = service.read(session, "hour", ["stored_bytes"], clock.at).series
    assert {line.label: line.last for line in series.lines}["models"] == 2_000


def test_images_in_an_object_store_are_counted_there(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    settings.storage_url = (tmp_path / "bucket").as_uri()
    Blobs.at(settings.paths.blobs, settings.storage_url).put("images/a", b"x" * 300)
    assert {each.label: each.value for each in watch_storage(settings)}["images"] == 300


def test_queue_and_workers_are_looked_at(database: Database) -> None:
    with database.transaction() as session:
        jobs.enqueue(session, "finetune", "f", "A job", {})
        job = jobs.enqueue(session, "generation", "g", "A job", {}, lane="network")
        row = job_rows.find_job(session, job.id)
        assert row is not None
        row.state = "running"
        session.flush()
        found = {(each.name, each.label): each.value for each in sources.watch_queue(session)}
    assert found["jobs_waiting", "device"] == 1
    assert found["jobs_running", "network"] == 1
    assert found["jobs_waiting", "network"] == found["jobs_running", "device"] == found["workers", ""] == 0


def test_graphics_cards_are_read_as_their_driver_writes_them() -> None:
    text = "0, NVIDIA H200, 37, 70400, 143771\n1, NVIDIA H200 MIG, [N/A], 10, 100\nnonsense\n"
    found = [(each.name, each.label.partition(" ")[2], each.value) for each in sources.read_cards(text)]
    assert found == [
        ("gpu", "0 NVIDIA H200", 0.37),
        ("gpu_memory", "0 NVIDIA H200", 70400 / 143771),
        ("gpu_memory", "1 NVIDIA H200 MIG", 0.1),
    ]


def test_a_recorder_writes_at_its_end(database: Database, recorder: Callable[..., Recorder], clock: Clock) -> None:
    meter = Meter()
    mine = recorder(meter=meter)
    mine.start()
    meter.add("request_errors", 1, "404")
    mine.stop()
    assert sums(database, "hour", clock.at)["request_errors 404"] == 1
