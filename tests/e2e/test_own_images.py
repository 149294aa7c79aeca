"""Own images: put them in, hear what is wrong with one, caption them, train, take the model away."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_accessible

pytestmark = pytest.mark.e2e

RUN_MS = 600_000


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    return {"FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS": "false"}  # nobody looks at it here


@pytest.fixture
def photos(tmp_path):
    files = []
    for index in range(4):
        file = tmp_path / f"photo-{index}.png"
        Image.effect_noise((192, 160), 30 + 30 * index).convert("RGB").save(file)
        files.append(file)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no image")
    return [*files, broken]


def test_from_own_images_to_a_downloaded_model(page: Page, server, photos, tmp_path):
    # A dataset of one's own; the broken file is named with a reason.
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Datasets").click()
    page.get_by_role("button", name="New dataset").click()
    page.wait_for_url("**/datasets/*")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add images").click()
    chooser.value.set_files(photos)
    expect(page.get_by_role("textbox", name="Caption of image 4")).to_be_visible()
    expect(page.get_by_role("alert", name="Files not added")).to_contain_text("broken.png")
    assert_accessible(page)

    # A caption is kept as it is typed; a reload shows it.
    caption = page.get_by_role("textbox", name="Caption of image 1")
    caption.fill("a grey pattern on a wall")
    (dataset,) = server.client.datasets()
    expect(page.get_by_text("1 captioned")).to_be_visible()
    page.reload()
    expect(caption).to_have_value("a grey pattern on a wall")

    # Train with one setting changed; the plan follows.
    page.get_by_role("button", name="Train on this").click()
    page.wait_for_url("**/finetunes/new**")
    summary = page.get_by_role("region", name="Summary")
    page.get_by_role("button", name="More settings").click()
    page.get_by_role("textbox", name="Steps", exact=True).first.fill("6")
    expect(summary).to_contain_text(re.compile(r"Steps\s*6(?!\d)"))
    start = page.get_by_role("button", name="Start finetune")
    expect(start).to_be_enabled()
    assert_accessible(page)
    start.click()
    expect(page.get_by_role("button", name="Create with it")).to_be_visible(timeout=RUN_MS)

    # The model can be taken away.
    (finetune,) = server.client.finetunes()
    assert (finetune.state, finetune.step, finetune.dataset_id) == ("succeeded", 6, dataset.id)
    page.goto(f"/models/{finetune.model_id}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the model").click()
    file = tmp_path / "model.safetensors"
    download.value.save_as(file)
    assert file.stat().st_size == server.client.get_model(finetune.model_id).versions[0].byte_count
    assert_accessible(page)
