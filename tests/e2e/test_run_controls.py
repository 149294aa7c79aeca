"""A run steered by hand: paused, resumed, sampled, saved, stopped, extended, restarted from a checkpoint."""

import re

import pytest
from playwright.sync_api import Page, expect

from fluxtune.config import load_settings
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.health.tables import HealthReportRow
from tests.e2e.checks import assert_accessible
from tests.unit.health.test_health import report_of

pytestmark = pytest.mark.e2e

# Loading takes seconds on an idle machine; a busy one may need many times that.
STATE_MS = 300_000


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    # Each control is followed at once by the next; a health check in between would only hold the device.
    return {"FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS": "false"}


def set_number(page: Page, name: str, value: float) -> None:
    page.get_by_role("textbox", name=name, exact=True).first.fill(str(value))


def test_every_control_of_a_run(page: Page, server):
    # A run that would last long, so that only what is clicked ends anything.
    dataset = server.client.create_dataset(sample=server.client.samples()[0].name)
    page.goto(f"/finetunes/new?dataset={dataset.id}")
    page.get_by_role("button", name="More settings").click()
    set_number(page, "Steps", 2000)
    set_number(page, "Batch size", 1)
    page.get_by_role("button", name="Expert settings").click()
    set_number(page, "Warm-up", 1)
    page.get_by_role("textbox", name="Sample prompts").fill("[trigger]")
    expect(page.get_by_role("region", name="Summary")).to_contain_text(re.compile(r"Steps\s*2,000"))
    page.get_by_text("YAML", exact=True).click()
    expect(page.get_by_role("textbox", name="Recipe as YAML")).to_have_value(re.compile(r"^  batch_size: 1$", re.M))
    page.get_by_role("button", name="Start finetune").click()
    page.wait_for_url(re.compile(r"/finetunes/[0-9a-f]{32}$"))

    progress = page.get_by_role("region", name="Progress")
    saved = page.get_by_role("region", name="Checkpoints").get_by_role("listitem")
    sampled = page.get_by_role("region", name="Samples").get_by_role("columnheader")
    finished = page.get_by_role("button", name="Create with it")

    # Pause keeps the model loaded and saves; Resume goes on.
    expect(progress).to_contain_text(re.compile(r"step [1-9]\d* of 2,000"), timeout=STATE_MS)
    page.get_by_role("button", name="Pause").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=STATE_MS)
    expect(progress).to_contain_text("stays loaded")
    expect(saved).to_have_count(1)
    assert_accessible(page)
    page.reload()
    expect(progress).to_contain_text("stays loaded")
    resume.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=STATE_MS)

    # A sample and a checkpoint out of turn: beside the prompt and the base there is a column more.
    expect(sampled).to_have_count(2)
    page.get_by_role("button", name="Sample now").click()
    expect(sampled).to_have_count(3, timeout=STATE_MS)
    page.get_by_role("button", name="Save now").click()
    expect(saved).to_have_count(2, timeout=STATE_MS)

    page.get_by_role("button", name="Stop and keep").click()
    expect(finished).to_be_visible(timeout=STATE_MS)
    (run,) = server.client.finetunes()
    assert (run.state, run.parent_id) == ("succeeded", None)
    assert 0 < run.step < 2000

    # Extended, it ends that many steps later, and its model has a version more.
    page.get_by_role("button", name="Extend").click()
    page.get_by_role("textbox", name="Further steps").fill("3")
    page.get_by_role("button", name="Train on").click()
    total = f"{run.step + 3:,}"
    expect(progress).to_contain_text(f"step {total} of {total}", timeout=STATE_MS)
    expect(finished).to_be_visible(timeout=STATE_MS)
    assert [version.step for version in server.client.get_model(run.model_id).versions] == [run.step + 3, run.step]

    # What a report recommends can be used at once: the checkpoint becomes a version of the model.
    step = min(checkpoint.step for checkpoint in server.client.finetune_checkpoints(run.id))
    report = report_of("x").model_dump(mode="json")
    report["recommendation"] |= {"step": step, "strength": 0.8}
    settings = load_settings(server.data)
    with Database.at(settings.paths.database, settings.database_url).transaction() as session:
        session.add(HealthReportRow(finetune_id=run.id, job_id="none", report=report, measured_at=now()))
    page.reload()
    page.get_by_role("button", name="Use step").click()
    page.wait_for_url(re.compile(r"/create\?.*strength=0\.8"))
    versions = server.client.get_model(run.model_id).versions
    assert [version.step for version in versions] == [run.step + 3, run.step, step]
    assert f"version={versions[-1].id}" in page.url
    page.go_back()

    # Restarted from a checkpoint with another learning rate, it is a finetune of its own.
    step = min(checkpoint.step for checkpoint in server.client.finetune_checkpoints(run.id))
    page.get_by_role("button", name=f"Restart from step {step}", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="More settings").click()
    dialog.get_by_role("textbox", name="Steps", exact=True).fill(str(step + 3))
    dialog.get_by_role("textbox", name="Learning rate", exact=True).fill("0.0005")
    assert_accessible(page)
    dialog.get_by_role("button", name=f"Start from step {step}").click()
    expect(page.get_by_role("main")).to_contain_text(f"restarted from step {step} of {run.name}")
    expect(finished).to_be_visible(timeout=STATE_MS)
    assert_accessible(page)
    child = next(each for each in server.client.finetunes() if each.id != run.id)
    assert (child.state, child.step, child.parent_id, child.parent_step) == ("succeeded", step + 3, run.id, step)
    assert child.recipe.learning_rate == 0.0005
    assert page.url.endswith(child.id)
