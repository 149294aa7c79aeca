"""The promise of the report, for real: three finetunes of the sample character on `pocket`, told apart."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from fluxtune.engine.__main__ import train
from fluxtune.engine.bases import BaseDescription, describe_base, shipped_bases
from fluxtune.engine.config import RunConfig, Snapshot, SnapshotImage
from fluxtune.engine.health.check import Check
from fluxtune.engine.health.plan import Plan, plan_for
from fluxtune.engine.recipes import recipe_for
from fluxtune.engine.reports import HealthReport
from fluxtune.engine.runfolder import RunFolder

SAMPLE = Path(__file__).parents[3] / "src" / "fluxtune" / "datasets" / "samples" / "character"
RUNS = {
    "undertrained": {"steps": 6, "learning_rate": 5e-4},
    "good": {"steps": 90, "learning_rate": 3e-3},
    "overtrained": {"steps": 40, "learning_rate": 2e-2},
}
SAMPLING_STEPS = 10


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real base, drawing with half its steps: the test would take twice as long."""
    folder = tmp_path_factory.mktemp("bases") / "pocket"
    shutil.copytree(shipped_bases() / "pocket", folder)
    facts = json.loads((folder / "fluxtune.json").read_text())
    (folder / "fluxtune.json").write_text(json.dumps(facts | {"default_steps": SAMPLING_STEPS}))
    return folder


def make_run(folder: Path, base: Path, **settings: float) -> Path:
    (folder / "snapshot").mkdir(parents=True)
    images = []
    for file in sorted(SAMPLE.glob("*.png")):
        content = file.read_bytes()
        (folder / "snapshot" / file.name).write_bytes(content)
        caption = file.with_suffix(".txt").read_text().strip()
        images.append(SnapshotImage(file=file.name, caption=caption, sha256=hashlib.sha256(content).hexdigest()))
    facts = json.loads((SAMPLE / "sample.json").read_text())
    prompts = [prompt.replace("zubo", "[trigger]") for prompt in facts["prompts"]]
    quiet = {"sample_every": 0, "validate_every": 0, "sample_prompts": prompts, "checkpoint_every": 1000}
    recipe = recipe_for("character", "draft", describe_base(base), len(images), quiet | settings)
    snapshot = Snapshot(hash="s" * 64, dataset_name="zubo", images=images)
    (folder / "snapshot" / "snapshot.json").write_text(snapshot.model_dump_json())
    config = RunConfig(
        id="run", name="Zubo", base="pocket", base_path=base, mode="character", trigger_word="zubo", recipe=recipe
    )
    (folder / "run.json").write_text(config.model_dump_json())
    return folder


def small_plan(run: Path, config: RunConfig, base: BaseDescription) -> Plan:
    plan = plan_for(run, config, base)
    return dataclasses.replace(plan, prompts=plan.prompts[:3], neutral=plan.neutral[:2], strengths=(1.0,))


@pytest.mark.slow
def test_a_good_an_undertrained_and_an_overtrained_run_are_told_apart(base: Path, tmp_path: Path) -> None:
    runs = {name: make_run(tmp_path / name, base, **settings) for name, settings in RUNS.items()}
    assert [train(RunFolder(run)) for run in runs.values()] == [0] * len(runs)
    reports: dict[str, HealthReport] = {}
    for name, run in runs.items():
        for known in reports:  # what the untouched base draws is the same for all
            shutil.copytree(runs[known] / "health", run / "health", dirs_exist_ok=True)
        reports[name] = Check(run, lambda *_: None, small_plan).run()
    figures = {
        name: {key: round(value.value, 2) for key, value in report.checkpoints[0].reading.measures.items()}
        for name, report in reports.items()
    }
    assert {name: report.verdict for name, report in reports.items()} == {name: name for name in RUNS}, figures
    scores = {name: report.checkpoints[0].reading.score for name, report in reports.items()}
    assert max(scores, key=lambda name: scores[name]) == "good", figures
    assert figures["good"]["gain"] > figures["undertrained"]["gain"]
    assert figures["overtrained"]["adherence"] < figures["good"]["adherence"]
    assert figures["overtrained"]["bleed"] > figures["good"]["bleed"] > figures["undertrained"]["bleed"]
    advice = {name: {one.kind for one in report.advice} for name, report in reports.items()}
    assert "more-steps" in advice["undertrained"]
    assert "lower-learning-rate" in advice["overtrained"]
