"""Probes: a few real steps of a recipe, measured before anything long starts."""

import hashlib
import json

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets.snapshot import Manifest
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import ProbeResult, cost_settings, probe_matches
from fluxtune.finetunes import repository
from fluxtune.finetunes.errors import ProbeMissing
from fluxtune.finetunes.planning import Choices
from fluxtune.finetunes.schemas import Probe
from fluxtune.finetunes.tables import ProbeRow
from fluxtune.jobs import service as jobs
from fluxtune.sharing import service as sharing

PROBE_STEPS = 4
"""Steps that are measured, after one that is not."""


class ProbeService:
    """Queues probes and finds what they measured."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create_probe(self, choices: Choices, recipe: Recipe, manifest: Manifest) -> Probe:
        """Queue a probe of a recipe on these images."""
        probe_id = new_id()
        sharing.own(self._session, "finetune", probe_id)
        title = f"Measuring {choices.base.title} on “{manifest.dataset_name}”"
        job = jobs.enqueue(self._session, "probe", probe_id, title, {}, steps=PROBE_STEPS)
        row = ProbeRow(
            id=probe_id,
            job_id=job.id,
            snapshot=manifest.model_dump(mode="json"),
            base=choices.base.name,
            mode=choices.mode,
            trigger_word=choices.trigger_word,
            recipe=recipe.model_dump(mode="json"),
            load_key=load_key(recipe),
            created_at=now(),
        )
        repository.add(self._session, row)
        return self._show(row)

    def get_probe(self, probe_id: str) -> Probe:
        """Return one probe."""
        row = repository.find_probe(self._session, probe_id)
        if row is None:
            raise ProbeMissing(f"There is no probe “{probe_id[:64]}”.")
        sharing.check(self._session, "finetune", row.id)
        return self._show(row)

    def find_newest(self, recipe: Recipe, base: BaseDescription) -> tuple[Probe, ProbeResult] | None:
        """Return the newest probe that tells what this recipe takes on this base as it is now."""
        row = repository.newest_probe(self._session, base.name, load_key(recipe))
        if row is None or row.result is None:
            return None
        result = ProbeResult.model_validate(row.result)
        return (self._show(row), result) if probe_matches(result, recipe, base) else None

    def _show(self, row: ProbeRow) -> Probe:
        job = jobs.get_(self._session, row.job_id)
        result = ProbeResult.model_validate(row.result) if row.result is not None else None
        return Probe(
            id=row.id,
            job_id=row.job_id,
            state=job.state,
            waiting_for=job.waiting_for,
            base=row.base,
            device=result.device if result else None,
            steps=PROBE_STEPS,
            seconds_per_step=result.seconds_per_step if result else None,
            seconds_per_step_spread=result.seconds_per_step_spread if result else None,
            memory_bytes=result.peak_memory_bytes if result else None,
            device_memory_bytes=result.device_memory_bytes if result else None,
            disk_bytes=result.checkpoint_bytes if result else None,
            load_seconds=result.load_seconds if result else None,
            seconds_per_sample=result.seconds_per_sample if result else None,
            error=job.error,
            created_at=row.created_at,
            finished_at=job.finished_at,
        )


def load_key(recipe: Recipe) -> str:
    """Name what decides the time and memory of a step: recipes that agree in it cost the same."""
    return hashlib.sha256(json.dumps(cost_settings(recipe), sort_keys=True).encode()).hexdigest()
