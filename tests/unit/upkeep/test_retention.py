"""Rules of retention: what goes after its time, and what always stays."""

from datetime import timedelta

import pytest

from fluxtune.core.clock import now
from fluxtune.finetunes.tables import CheckpointRow, FinetuneSampleRow, ProbeRow
from fluxtune.images.service import ImageService, store_content
from fluxtune.jobs import service as jobs
from fluxtune.jobs.tables import JobRow
from fluxtune.trash import service as leftovers
from fluxtune.upkeep.retention import Retention
from tests.makers import state_of
from tests.shared import shared_client, shared_studio
from tests.unit.finetunes.test_going_on import Trainer, dataset, finetune, run, studio
from tests.zoo import picture

__all__ = ["dataset", "finetune", "shared_client", "shared_studio", "studio"]

STEPS = (5, 10)
"""Beside the last, which is step 20."""


@pytest.fixture
def ended(studio, finetune):
    """A finetune that ended with three checkpoints and with samples of the base and of three steps."""
    run(studio, finetune, Trainer())
    state = state_of(studio)
    folder = state.settings.paths.run(finetune["id"])
    with state.database.transaction() as session:
        for step in STEPS:
            (folder / "checkpoints" / f"step-{step:06d}").mkdir()
            row = CheckpointRow(finetune_id=finetune["id"], step=step, folder=f"step-{step:06d}", byte_count=7)
            row.created_at = now()
            session.add(row)
        for step in (0, *STEPS, 20):
            content = store_content(state.blobs, picture(50 + step))
            image = ImageService(session, state.blobs).create_image(content, "sample")
            session.add(FinetuneSampleRow(finetune_id=finetune["id"], step=step, row=0, prompt="a", image_id=image.id))
    return finetune


def apply(studio, days, **rules) -> int:
    state = state_of(studio)
    for name, value in rules.items():
        setattr(state.settings.retention, name, value)
    count = Retention(state.settings, state.database).apply(now() + timedelta(days=days))
    leftovers.sweep(state.database, state.blobs, state.settings.data, now() + timedelta(days=days))
    return count


@pytest.fixture(autouse=True)
def _rules(studio):
    """Put the rules back: the studio is shared by the tests of this file."""
    rules = state_of(studio).settings.retention
    before = rules.model_dump()
    yield
    for name, value in before.items():
        setattr(rules, name, value)


def checkpoints_of(studio, finetune) -> list[int]:
    with state_of(studio).database.reading() as session:
        rows = session.query(CheckpointRow).filter_by(finetune_id=finetune["id"])
        return sorted(row.step for row in rows)


def samples_of(studio, finetune) -> dict[int, str]:
    with state_of(studio).database.reading() as session:
        rows = session.query(FinetuneSampleRow).filter_by(finetune_id=finetune["id"])
        return {row.step: row.image_id for row in rows}


def test_without_rules_all_stays(studio, ended):
    assert apply(studio, 10_000, probe_days=0) == 0
    assert checkpoints_of(studio, ended) == [*STEPS, 20]


def test_early_checkpoints_go_after_their_time(studio, ended):
    assert apply(studio, 29, checkpoint_days=30) == 0
    assert apply(studio, 31, checkpoint_days=30) == 2
    assert checkpoints_of(studio, ended) == [20]
    folder = state_of(studio).settings.paths.run(ended["id"]) / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["step-000020"]


def test_early_samples_go_with_their_images(studio, ended):
    before = samples_of(studio, ended)
    assert apply(studio, 31, sample_days=30) == 2
    after = samples_of(studio, ended)
    assert set(after) == {0, 20}
    for step in STEPS:
        assert studio.get(f"/api/images/{before[step]}/file").status_code == 404
    for image_id in after.values():
        assert studio.get(f"/api/images/{image_id}/file").status_code == 200


def test_what_has_not_ended_keeps_all(studio, ended):
    with state_of(studio).database.transaction() as session:
        session.get(JobRow, ended["job_id"]).finished_at = None
    assert apply(studio, 31, checkpoint_days=30, sample_days=30) == 0
    assert checkpoints_of(studio, ended) == [*STEPS, 20]


def test_old_probes_are_forgotten(studio, dataset):
    body = {"dataset_id": dataset["id"], "base": "tiny", "recipe": {"steps": 20}}
    probe = studio.post("/api/finetunes/probes", json=body)
    assert probe.status_code in (201, 202), probe.text
    probe = probe.json()
    assert apply(studio, 91) == 0, "one that waits is not old"
    with state_of(studio).database.transaction() as session:
        row = session.get(ProbeRow, probe["id"])
        jobs.cancel(session, row.job_id)
        job_id = row.job_id
    assert apply(studio, 89) == 0
    assert apply(studio, 91) == 1
    assert studio.get(f"/api/finetunes/probes/{probe['id']}").status_code == 404
    assert studio.get(f"/api/jobs/{job_id}").status_code == 404
