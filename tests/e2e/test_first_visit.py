"""The journey that decides: from an empty Home page to an image of a concept the model has just learnt."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_accessible

pytestmark = pytest.mark.e2e

STEPS = 70
# On two idle cores it takes a minute; a busy machine may need many times that.
RUN_MS = 1_500_000
IMAGE_MS = 240_000


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    # The draft recipe as it is, but for its length: enough for the loss to fall.
    return {"FLUXTUNE_DEFAULTS__CHARACTER__RECIPE": json.dumps({"steps": STEPS})}


def test_from_empty_home_to_an_image_of_what_was_learnt(page: Page, new_page, server):
    attempt = page.get_by_role("button", name="Try it with the sample images")
    expect(attempt).to_be_enabled()
    assert_accessible(page)
    attempt.click()

    # The run page: real progress, live loss, samples.
    page.wait_for_url("**/finetunes/*")
    progress = page.get_by_role("region", name="Progress")
    expect(progress).to_contain_text(re.compile(r"step [1-9]\d* of \d+"), timeout=IMAGE_MS)
    expect(page.get_by_role("button", name="Stop and keep")).to_be_visible(timeout=IMAGE_MS)
    assert_accessible(page)

    # A second browser and a reload show the same run.
    other = new_page(color_scheme="dark")
    other.goto(server.link())
    other.goto(page.url)
    expect(other.get_by_role("region", name="Progress")).to_contain_text(re.compile(r"step [1-9]\d* of"))
    page.reload()
    expect(progress).to_contain_text(re.compile(r"step [1-9]\d* of"))

    create = page.get_by_role("button", name="Create with it")
    expect(create).to_be_visible(timeout=RUN_MS)
    expect(other.get_by_role("button", name="Create with it")).to_be_visible()
    assert_accessible(page)
    assert_accessible(other)
    (finetune,) = server.client.finetunes()
    assert finetune.state == "succeeded"
    assert finetune.step == finetune.steps
    points = server.client.finetune_loss(finetune.id)
    assert sum(p.loss for p in points[-20:]) / 20 < sum(p.loss for p in points[:20]) / 20, "nothing was learnt"

    # Create: the trigger word is in the prompt, and an image arrives.
    create.click()
    page.wait_for_url("**/create**")
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    expect(prompt).to_have_value(re.compile(rf"\b{finetune.trigger_word}\b"))
    page.get_by_role("button", name="Generate").click()
    image = page.get_by_role("region", name="Results").get_by_role("img").first
    expect(image).to_be_visible(timeout=IMAGE_MS)
    expect(page.get_by_role("region", name="Gallery").get_by_role("button").first).to_be_visible()
    assert_accessible(page)

    # The file behind it is an image, and its recipe came along.
    ids = server.client.gallery_ids()
    assert ids
    (made,) = server.client.gallery_images(ids[:1])
    assert made.facts.model_id == finetune.model_id
    assert made.facts.prompt == prompt.input_value()
