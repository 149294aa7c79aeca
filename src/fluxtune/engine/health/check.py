"""The check of one run, from its folder to its report. Cut short anywhere, it goes on with what is not measured yet."""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch
from PIL import Image, ImageOps

from fluxtune.core.errors import NotFound
from fluxtune.engine.bases import require_base
from fluxtune.engine.data.snapshot import check_snapshot
from fluxtune.engine.generator import Generator
from fluxtune.engine.health import measures, verdicts
from fluxtune.engine.health.drawing import Drawer
from fluxtune.engine.health.features import choose_embedder
from fluxtune.engine.health.methods import METHODS
from fluxtune.engine.health.plan import SHEET_CHECKPOINTS, Checkpoint, Plan, plan_for
from fluxtune.engine.health.samples import RunSamples
from fluxtune.engine.health.validation import validation_of
from fluxtune.engine.reports import (
    REPORT_FILE,
    REPORT_VERSION,
    CheckpointHealth,
    HealthReport,
    Measure,
    MeasureName,
    NearestImage,
    Reading,
    SheetCell,
    StrengthSheet,
)
from fluxtune.engine.runfolder import RunFolder, RunLocked, write_atomic

FULL = 1.0
Tell = Callable[[int, int, str], None]
"""Called with done, total and what is being done; may raise to stop."""


class Check:
    """One check. Build it, then `run`."""

    def __init__(self, run: Path, tell: Tell, choose_plan: Callable[..., Plan] = plan_for) -> None:
        """Raises `NotFound` when the run has kept no checkpoint, `InvalidInput` when its folder is broken."""
        self._folder = RunFolder(run)
        self._tell = tell
        self._config, self._snapshot = self._folder.read_config(), self._folder.read_snapshot()
        check_snapshot(self._folder.snapshot, self._snapshot)
        self._base = require_base(self._config.base_path)
        self._plan = choose_plan(run, self._config, self._base)
        if not self._plan.checkpoints:
            raise NotFound(
                "The run has kept no checkpoint.",
                title="There is nothing to measure",
                action="Finetune again, and keep a checkpoint.",
            )
        self._done, self._total = 0, self._plan.image_count
        self._started = time.monotonic()
        self._generator = Generator(lambda *_, **__: None)
        samples = RunSamples(self._folder, self._config, self._base, self._plan)
        self._drawer = Drawer(run, self._base, self._plan, self._generator, samples, self._report_image)

    def run(self) -> HealthReport:
        """Measure what is not measured yet; return the whole report. What `tell` raises comes out of here."""
        self._tell(0, self._total, "loading the base")
        self._generator.prepare(self._drawer.request(None, FULL, "", 0, self._folder.path))
        self._embedder = choose_embedder(self._generator.pipe, self._base, self._generator.device)
        report = self._begin()
        self._learn_base()
        for checkpoint in self._plan.checkpoints:
            known = {(each.step, each.adapter_sha256) for each in report.checkpoints}
            if (checkpoint.step, checkpoint.sha256) not in known:
                report.checkpoints.append(self._measure(checkpoint))
                self._save(report)
            else:
                self._done += self._plan.grid_count
        report.checkpoints.sort(key=lambda each: each.step)
        self._try_strengths(report)
        verdicts.conclude(report, self._config.recipe, len(self._snapshot.images))
        report.is_complete, report.measured_at = True, datetime.now(UTC)
        self._save(report)
        self._tidy(report)
        return report

    def _begin(self) -> HealthReport:
        """Return the report so far: what of the last one still holds."""
        plan = self._plan
        fresh = HealthReport(
            base=self._base.name,
            trigger_word=self._config.trigger_word,
            features=self._embedder.features,
            methods=METHODS,
            prompts=plan.prompts,
            neutral_prompts=plan.neutral,
            seeds=plan.seeds,
        )
        known = read_report(self._folder.path)
        same = ("version", "base", "trigger_word", "features", "prompts", "neutral_prompts", "seeds")
        if known is not None and all(getattr(known, name) == getattr(fresh, name) for name in same):
            kept = {(each.step, each.sha256) for each in plan.checkpoints}
            fresh.checkpoints = [each for each in known.checkpoints if (each.step, each.adapter_sha256) in kept]
            fresh.seconds = known.seconds
        self._seconds_before = fresh.seconds
        return fresh

    def _learn_base(self) -> None:
        """Draw with the untouched base, and set the scale all images are seen on."""
        plan, folder = self._plan, self._folder.snapshot
        training = [_open(folder / image.file) for image in self._snapshot.images]
        drawn = self._grid(None, FULL, plan.prompts, plan.seeds)
        neutral = self._grid(None, FULL, plan.neutral, plan.neutral_seeds)
        self._tell(self._done, self._total, "looking at the training images")
        self._generator.prepare(self._drawer.request(None, FULL, "", 0, self._folder.path))
        tokens = [self._embedder.embed(images) for images in (training, *map(self._images, (drawn, neutral))) if images]
        self._scale = measures.Scale.of(torch.cat(tokens))
        scaled = [self._scale.apply(each) for each in tokens]
        self._concept, self._own = measures.Concept(scaled[0]), scaled[1]
        self._neutral = scaled[2] if neutral else None
        self._own_files = drawn

    def _measure(self, checkpoint: Checkpoint) -> CheckpointHealth:
        plan = self._plan
        files = self._grid(checkpoint, FULL, plan.prompts, plan.seeds)
        neutral = self._grid(checkpoint, FULL, plan.neutral, plan.neutral_seeds)
        reading, tokens = self._read(checkpoint, FULL, files, neutral, len(plan.prompts), len(plan.seeds))
        distances, places = self._concept.nearest(tokens)
        pairs = [(prompt, seed) for prompt in plan.prompts for seed in plan.seeds]
        nearest = [
            NearestImage(
                file=file,
                prompt=prompt,
                seed=seed,
                training_index=int(place),
                training_file=self._snapshot.images[place].file,
                training_sha256=self._snapshot.images[place].sha256,
                distance=float(distance),
                is_copy=bool(distance < measures.COPY_BELOW),
            )
            for file, (prompt, seed), distance, place in zip(files, pairs, distances, places, strict=True)
        ]
        validation = validation_of(self._folder, checkpoint.step)
        verdict, reasons = verdicts.judge(reading)
        return CheckpointHealth(
            step=checkpoint.step,
            adapter_sha256=checkpoint.sha256,
            reading=reading,
            nearest=nearest,
            validation=validation,
            verdict=verdict,
            reasons=reasons,
        )

    def _try_strengths(self, report: HealthReport) -> None:
        """Draw the best checkpoints at other strengths, with one seed, and measure those, too."""
        best = verdicts.best_checkpoints(report.checkpoints, SHEET_CHECKPOINTS)
        chosen = [one for one in self._plan.checkpoints if one.step in {each.step for each in best}]
        prompts, seed = self._plan.sheet_prompts, self._plan.seeds[0]
        split = len(prompts) - len(self._plan.sheet_neutral)
        shown = [(0, 0.0, self._grid(None, FULL, prompts, [seed], counts=False))]
        report.strengths = []
        for checkpoint in chosen:
            for strength in self._plan.strengths:
                files = self._grid(checkpoint, strength, prompts, [seed], counts=strength != FULL)
                shown.append((checkpoint.step, strength, files))
                reading, _ = self._read(checkpoint, strength, files[:split], files[split:], split, 1)
                report.strengths.append(reading)
        report.sheet = StrengthSheet(
            prompts=prompts,
            steps=[one.step for one in chosen],
            strengths=list(self._plan.strengths),
            cells=[
                SheetCell(row=row, step=step, strength=strength, seed=seed, file=file)
                for step, strength, files in shown
                for row, file in enumerate(files)
            ],
        )

    def _read(
        self,
        checkpoint: Checkpoint,
        strength: float,
        files: list[str],
        neutral: list[str],
        prompt_count: int,
        seed_count: int,
    ) -> tuple[Reading, torch.Tensor]:
        """Measure images of a checkpoint, of the first prompts and seeds, beside the base's of the same."""
        self._tell(self._done, self._total, f"measuring step {checkpoint.step}")
        self._generator.prepare(self._drawer.request(None, FULL, "", 0, self._folder.path))
        tokens = self._scale.apply(self._embedder.embed(self._images(files)))
        own = self._own.view(len(self._plan.prompts), -1, *self._own.shape[1:])[:prompt_count]
        same = own[:, :seed_count].flatten(0, 1)
        found: dict[MeasureName, Measure | None] = {
            "gain": measures.gain(self._concept, same, tokens, prompt_count),
            "copying": measures.copying(self._concept.nearest(tokens)[0]),
            "adherence": measures.adherence(own.flatten(0, 1), tokens, prompt_count),
        }
        if self._neutral is not None:
            after = self._scale.apply(self._embedder.embed(self._images(neutral)))
            found["bleed"] = measures.bleed(self._neutral[: len(neutral)], after, len(neutral))
        known = {name: measure for name, measure in found.items() if measure is not None}
        score = verdicts.score_of(known)
        return Reading(step=checkpoint.step, strength=strength, measures=known, score=score), tokens

    def _grid(
        self,
        checkpoint: Checkpoint | None,
        strength: float,
        prompts: list[str],
        seeds: list[int],
        *,
        counts: bool = True,
    ) -> list[str]:
        """Return the files of a grid, by prompt, then by seed."""
        self._counts = counts
        return [self._drawer.draw(checkpoint, strength, prompt, seed) for prompt in prompts for seed in seeds]

    def _images(self, files: list[str]) -> list[Image.Image]:
        return [self._drawer.open(file) for file in files]

    def _report_image(self, what: str) -> None:
        """Say which image is drawn next; without words only look whether to stop."""
        self._tell(self._done, self._total, what)
        if what and self._counts:
            self._done += 1

    def _save(self, report: HealthReport) -> None:
        report.seconds = round(self._seconds_before + time.monotonic() - self._started, 1)
        write_atomic(self._folder.path / REPORT_FILE, report.model_dump_json(indent=2).encode())

    def _tidy(self, report: HealthReport) -> None:
        """Remove images that no report names any more: those of checkpoints that are gone."""
        keys = ("base-", *(each.key for each in self._plan.checkpoints))
        for file in (self._folder.path / "health").glob("*.png"):
            if not file.name.startswith(keys):
                file.unlink(missing_ok=True)


def read_report(run: Path) -> HealthReport | None:
    """Read the report of a run folder; one of another version, or a broken one, is none."""
    try:
        report = HealthReport.model_validate_json((run / REPORT_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return report if report.version == REPORT_VERSION else None


@contextlib.contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the check of a run for as long as this process lives; raise `RunLocked` when another does."""
    with (run / "health.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunLocked(f"Another process is already measuring {run}.") from error
        yield


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")
