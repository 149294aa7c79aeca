"""The catalogue: a LoRA is dropped, found, exported, linked to BFL, put into the trash and brought back."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.bfl_server import KEY, BflServer
from tests.e2e.checks import assert_accessible
from tests.loras import kohya_lora, pocket_lora

pytestmark = pytest.mark.e2e

CARRIED = """({ name, content }) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  return carried;
}"""


@pytest.fixture(scope="module")
def bfl() -> Iterator[BflServer]:
    server = BflServer()
    server.finetunes = {"zubo": {"lora_rank": 4}, "fox": {"finetune_comment": "Fox", "trigger_word": "foxo"}}
    yield server
    server.close()


@pytest.fixture(scope="module")
def studio_settings(bfl: BflServer) -> dict[str, str]:
    return {"FLUXTUNE_HOSTED__SERVER": bfl.url, "FLUXTUNE_HOSTED__REGION": "server", "FLUXTUNE_HOSTED__KEY": KEY}


def test_a_model_from_file_to_trash_and_back(page: Page, server, bfl: BflServer, tmp_path):
    for number in range(6):
        name = f"Model {number}"
        server.client.import_model(pocket_lora(tmp_path / "m.safetensors"), preview=False, name=name)
    page.get_by_role("navigation", name="Places").get_by_role("link", name="Models").click()
    expect(page.get_by_role("status").filter(has_text="6 models")).to_be_visible()

    # Dropped anywhere on the page, it becomes a model whose page opens.
    content = base64.b64encode(kohya_lora(tmp_path / "zubo.safetensors").read_bytes()).decode()
    carried = page.evaluate_handle(CARRIED, {"name": "zubo.safetensors", "content": content})
    page.dispatch_event("body", "dragenter", {"dataTransfer": carried})
    target = page.get_by_text("Drop LoRA files")
    expect(target).to_be_visible()
    with page.expect_response("**/api/models/imports") as imported:
        target.dispatch_event("drop", {"dataTransfer": carried})
    assert imported.value.status == 201
    page.wait_for_url("**/models/*")
    expect(page.get_by_role("region", name="How it was made")).to_contain_text("kohya")
    assert_accessible(page)
    model_page = page.url

    # Exported as other programs read it.
    page.get_by_role("button", name="More about this model").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download with BFL's names").click()
    assert download.value.suggested_filename == "zubo-bfl.safetensors"

    # BFL hosts no pocket, and says why; linked all the same, as to a server that does.
    page.get_by_role("button", name="More about this model").click()
    page.get_by_role("menuitem", name="Deploy to BFL").click()
    dialog = page.get_by_role("dialog", name="Deploy to BFL")
    expect(dialog.get_by_role("list", name="What was checked")).to_contain_text("BFL hosts none of pocket")
    assert_accessible(page)
    dialog.get_by_role("button", name="Link to “zubo”").click()
    there = page.get_by_role("region", name="At BFL")
    expect(there).to_contain_text("Linked")
    there.get_by_role("button", name="Look it up").click()
    expect(there).to_contain_text("Found")
    assert_accessible(page)

    # Found by a filter that is part of the address.
    page.goto("/models")
    page.get_by_role("textbox", name="Search models").fill("zubo")
    expect(page.get_by_role("status").filter(has_text="1 of 7 models")).to_be_visible()
    page.wait_for_url("**/models?query=zubo")
    page.reload()
    expect(page.get_by_role("textbox", name="Search models")).to_have_value("zubo")

    # To the trash, and back.
    page.goto(model_page)
    page.get_by_role("button", name="More about this model").click()
    page.get_by_role("menuitem", name="Move to trash").click()
    expect(page.get_by_role("status").filter(has_text="6 models")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="7 models")).to_be_visible()

    # One that is only at BFL is added by its name there.
    page.get_by_role("button", name="Add from BFL").click()
    adding = page.get_by_role("dialog", name="Add a finetune from BFL")
    adding.get_by_label("Name at BFL").first.fill("fox")
    page.keyboard.press("Escape")  # the list of names, not the dialog
    adding.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Fox")).to_be_visible()
    expect(page.get_by_text("it can't be exported")).to_be_visible()
    assert_accessible(page)
