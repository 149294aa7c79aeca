"""Another computer does the work: added in the browser, a finetune followed live, its model here, images there."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_accessible
from tests.e2e.conftest import Server, running_studio
from tests.places import Places

pytestmark = pytest.mark.e2e

RUN_MS = 600_000
IMAGE_MS = 120_000
STEPS = 2


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    return {"FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS": "false"}  # it would be at work when the image is asked for


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory, studio_settings: dict[str, str], places: Places) -> Iterator[Server]:
    """The studio of the other computer, as its user starts it."""
    folder = tmp_path_factory.mktemp("far") / "data"
    places.prepare(folder)
    with running_studio(folder, studio_settings) as server:
        yield server


def test_a_finetune_and_images_at_another_computer(page: Page, server, far):
    token = far.client.create_token("laptop").token
    dataset = server.client.create_dataset(sample=server.client.samples()[0].name)

    # Added by address and token; what it is was found out.
    page.goto("/system/servers")
    page.get_by_role("textbox", name="Name").fill("gpu")
    page.get_by_role("textbox", name="Address").fill(far.url)
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Test and add").click()
    added = page.get_by_role("listitem", name="gpu")
    expect(added).to_contain_text("fluxtune")
    expect(added).to_contain_text("Bases: pocket")
    assert token not in page.content()
    assert_accessible(page)

    # Where to train is one choice more.
    page.goto(f"/finetunes/new?dataset={dataset.id}")
    page.get_by_role("radiogroup", name="Which computer").get_by_text("gpu").click()
    page.get_by_role("radio", name="Draft").click()
    page.get_by_role("button", name="More settings").click()
    page.get_by_role("textbox", name="Steps", exact=True).first.fill(str(STEPS))
    summary = page.get_by_role("region", name="Summary")
    expect(summary).to_contain_text(re.compile(rf"Steps\s*{STEPS}(?!\d)"))
    expect(summary).to_contain_text(re.compile(r"Trains at\s*gpu"))
    assert_accessible(page)
    page.get_by_role("button", name="Start finetune").click()

    # Followed as if it ran here: a sample while it trains, the loss, the model at the end.
    page.wait_for_url(re.compile(r"/finetunes/(?!new)"))
    expect(page.get_by_role("link", name="gpu")).to_be_visible()
    sample = page.get_by_role("region", name="Samples").locator("img").first
    expect(sample).to_be_visible(timeout=RUN_MS)
    for asked in ("Pause", "Stop and keep"):  # it is not over yet
        expect(page.get_by_role("button", name=asked)).to_be_visible()
    create = page.get_by_role("button", name="Create with it")
    expect(create).to_be_visible(timeout=RUN_MS)
    assert_accessible(page)
    (finetune,) = server.client.finetunes()
    (there,) = far.client.finetunes()
    assert (finetune.state, finetune.step, finetune.remote_id) == ("succeeded", STEPS, there.id)
    assert there.recipe == finetune.recipe
    assert server.client.get_model(finetune.model_id).versions[0].step == STEPS

    # An image with the model that came here, then one made over there.
    results = page.get_by_role("region", name="Results").get_by_role("img")
    create.click()
    page.wait_for_url("**/create**")
    page.get_by_role("button", name="Generate").click()
    expect(results.first).to_be_visible(timeout=IMAGE_MS)
    page.goto(f"/create?model={finetune.elsewhere_model_id}")
    expect(page.get_by_role("button", name=re.compile(r"^Model: .* · gpu$"))).to_be_visible()
    with page.expect_response(lambda answer: answer.url.endswith("/api/generations") and answer.status == 201) as sent:
        page.get_by_role("button", name="Generate").click()
    generation = server.client.get_generation(sent.value.json()["id"])
    for _ in server.client.follow(generation.job_id):
        pass
    made = server.client.get_generation(generation.id)
    assert made.state == "succeeded", made.error
    drawn = {seed for slot in far.client.gallery_images(far.client.gallery_ids()) for seed in [slot.facts.seed]}
    assert drawn == {slot.seed for slot in made.slots}
    assert server.client.hosted_ledger() == []
