"""Hosted images in the browser, against a server that speaks BFL's API: key, price, image, cost, ledger, budget."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from fluxtune.hosted.schemas import Budget
from tests.bfl_server import KEY, BflServer
from tests.e2e.checks import assert_accessible
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def bfl() -> Iterator[BflServer]:
    """A server that speaks BFL's API."""
    server = BflServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def studio_settings(bfl: BflServer) -> dict[str, str]:
    return {"FLUXTUNE_HOSTED__SERVER": bfl.url}


@pytest.fixture
def paying(server: Server) -> None:
    """A key to pay with, and no limit."""
    if not server.client.hosted_status().keys:
        server.client.add_hosted_key("work", KEY, "server")
    server.client.set_hosted_budget(Budget())


def tab_to(page: Page, target: Locator) -> None:
    """Reach something with the Tab key, as one does without a mouse."""
    for _ in range(60):
        if target.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def choose_model(page: Page, words: str, title: str) -> None:
    page.get_by_role("region", name="What to make").get_by_role("button", name=re.compile("^Model: ")).click()
    page.get_by_role("textbox", name="Search models").fill(words)
    page.get_by_role("option").filter(has=page.get_by_text(title, exact=True)).click()
    expect(page.get_by_role("button", name=f"Model: {title}")).to_be_focused()


def test_from_a_key_to_a_paid_image_and_the_budgets_stop(page: Page, bfl: BflServer, watch):
    watch.allowed.append("409")  # the browser itself logs what the budget stops
    # Without a key Create says so, and leads to where one is added.
    page.goto("/create")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("a fox in the snow")
    choose_model(page, "klein 4b", "FLUX.2 [klein] 4B")
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()
    page.get_by_role("link", name="Add a key").click()
    page.wait_for_url("**/system/hosted")

    # The Hosted page by keyboard alone.
    tab_to(page, page.get_by_role("textbox", name="Name"))
    page.keyboard.type("work")
    page.keyboard.press("Tab")
    page.keyboard.type(KEY)
    tab_to(page, page.get_by_role("combobox", name="Region"))
    page.keyboard.press("Enter")
    server_option = page.get_by_role("option", name="The server of the settings")
    expect(server_option).to_be_visible()
    while server_option.get_attribute("data-combobox-selected") is None:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Region")).to_have_value("The server of the settings")
    tab_to(page, page.get_by_role("button", name="Test and add"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("$10.00 left")).to_be_visible()
    tab_to(page, page.get_by_role("textbox", name="A day"))
    page.keyboard.type("0.05")
    page.keyboard.press("Enter")
    expect(page.get_by_text("$0.00 of $0.05")).to_be_visible()

    # What was typed is still there; the price is said, and a budget stops before anything is sent.
    page.goto("/create")
    expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("a fox in the snow")
    expect(page.get_by_role("alert")).to_contain_text("The limit for a day is $0.05")
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()
    page.get_by_text("1", exact=True).first.click()
    expect(page.get_by_role("status").filter(has_text="About $0.014")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Generate").click()
    result = page.get_by_role("article", name="a fox in the snow")
    expect(result.get_by_role("button", name=re.compile("Image 1.*open"))).to_be_visible()
    expect(result).to_contain_text("$0.014 paid")
    assert len(bfl.tasks) == 1

    # An image fills the form again, model included.
    choose_model(page, "pocket", "pocket")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("something else")
    result.get_by_role("button", name=re.compile("Image 1.*open")).click()
    page.get_by_role("button", name="Reuse everything").click()
    expect(page.get_by_role("button", name="Model: FLUX.2 [klein] 4B")).to_be_visible()
    expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value("a fox in the snow")

    # A retired model names what replaces it.
    choose_model(page, "retired flux.1 pro", "FLUX.1 [pro] 1.0")
    expect(page.get_by_text("BFL has switched FLUX.1 [pro] 1.0 off")).to_be_visible()
    expect(page.get_by_text("Since 2025-10-31 it makes no images.")).to_be_visible()
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()
    page.get_by_role("button", name="Use FLUX1.1 [pro]").click()
    expect(page.get_by_role("button", name="Model: FLUX1.1 [pro]")).to_be_visible()

    page.goto("/system/hosted")
    line = page.get_by_role("table", name="Lines of the ledger").get_by_role("row").nth(1)
    expect(line).to_contain_text("flux-2-klein-4b")
    expect(line).to_contain_text("Delivered")
    expect(line).to_contain_text("$0.014")


def test_what_is_paid_and_not_delivered_is_fetched_or_sent_again(page: Page, bfl: BflServer, paying):
    # One whose image is made and can't be asked for, and one of which nobody knows whether it was accepted.
    bfl.faults["poll"].append(403)
    page.goto("/create?model=bfl:flux-2-klein-4b")
    page.get_by_text("1", exact=True).first.click()
    prompt = page.get_by_role("textbox", name="Prompt", exact=True)
    results = page.get_by_role("region", name="Results")
    for text, said in (("a red kite", "Paid, not delivered"), ("a grey heron", "Perhaps paid, not delivered")):
        prompt.fill(text)
        page.get_by_role("button", name="Generate").click()
        expect(results.get_by_role("article", name=text)).to_contain_text(f"{said}: 1 image")
        bfl.faults["submit"].append("cut-after")
    bfl.faults["submit"].clear()
    asked = len(bfl.tasks)

    page.goto("/system/hosted")
    owed = page.locator("section", has=page.get_by_role("heading", name="Paid, not delivered"))
    expect(owed.get_by_role("listitem")).to_have_count(2)
    expect(owed).to_contain_text("Nobody knows whether BFL accepted the request")
    assert_accessible(page)
    owed.get_by_role("button", name="Fetch", exact=True).click()
    expect(owed.get_by_role("listitem")).to_have_count(1)
    owed.get_by_role("button", name="Send again…").click()
    dialog = page.get_by_role("dialog", name="Pay once more?")
    expect(dialog).to_contain_text("charged once more")
    dialog.get_by_role("button", name="Send again").click()
    expect(owed).to_have_count(0)

    page.goto("/create")
    for text in ("a red kite", "a grey heron"):
        image = results.get_by_role("article", name=text).get_by_role("button", name=re.compile("Image 1.*open"))
        expect(image).to_be_visible()
    assert len(bfl.tasks) == asked + 1, "what was fetched was not paid again"


def test_a_mask_is_drawn_and_goes_with_its_image(page: Page, bfl: BflServer, paying, watch, tmp_path: Path):
    watch.allowed.append("422")  # the browser itself logs that there is no price without a mask
    Image.new("RGB", (400, 200), (40, 90, 160)).save(tmp_path / "lake.png")
    page.goto("/create?model=bfl:flux-pro-1.0-fill")
    page.get_by_text("1", exact=True).first.click()
    page.get_by_role("textbox", name="Prompt", exact=True).fill("a boat")
    places = page.get_by_role("region", name="Input images")
    expect(places.get_by_role("button", name="Draw mask")).to_be_disabled()
    places.locator("input[type=file]").last.set_input_files(tmp_path / "lake.png")
    expect(page.get_by_text("Still needs a mask")).to_be_visible()
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()
    places.get_by_role("button", name="Draw mask").click()

    # Twice as large, so a line across the window is half as long on the image.
    dialog = page.get_by_role("dialog", name="Draw a mask")
    stage = dialog.get_by_role("application", name="Mask over the image")
    expect(dialog.get_by_role("button", name="Use mask")).to_be_disabled()
    fits = stage.bounding_box()
    for _ in range(2):
        dialog.get_by_role("button", name="Zoom in").click()
    expect(dialog.get_by_label("Zoom", exact=True)).to_have_text("200 %")
    large = stage.bounding_box()
    assert fits
    assert large
    assert large["width"] == pytest.approx(2 * fits["width"], rel=0.02)
    y = fits["y"] + fits["height"] / 2
    page.mouse.move(fits["x"] + 0.2 * fits["width"], y)
    page.mouse.down()
    page.mouse.move(fits["x"] + 0.8 * fits["width"], y, steps=4)
    page.mouse.up()
    expect(dialog.get_by_text(re.compile(r"\d % is painted"))).to_be_visible()
    assert_accessible(page)

    # By keyboard: all is shown, a larger dot at the left edge, taken back and done again.
    stage.focus()
    page.keyboard.press("0")
    expect(dialog.get_by_label("Zoom", exact=True)).to_have_text("100 %")
    painted = dialog.get_by_text(re.compile(r"\d % is painted")).inner_text()
    for key in ["]"] * 3 + ["Shift+ArrowLeft"] * 3:
        page.keyboard.press(key)
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    expect(dialog.get_by_text(painted)).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(dialog.get_by_text(painted)).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(dialog.get_by_text(painted)).to_have_count(0)

    dialog.get_by_role("button", name="Use mask").click()
    expect(dialog).to_have_count(0)
    expect(places.get_by_role("button", name="Change mask")).to_be_visible()
    page.get_by_role("button", name="Generate").click()
    result = page.get_by_role("region", name="Results").get_by_role("article", name="a boat")
    expect(result.get_by_role("button", name=re.compile("Image 1.*open"))).to_be_visible()
    sent = list(bfl.tasks.values())[-1]["body"]
    mask = Image.open(io.BytesIO(base64.b64decode(sent["mask"]))).convert("L")
    assert mask.size == Image.open(io.BytesIO(base64.b64decode(sent["image"]))).size == (400, 200)
    # White is painted anew: the middle half of the image, the dot, and nothing else.
    assert [mask.getpixel(at) for at in ((150, 100), (200, 100), (250, 100), (2, 100))] == [255] * 4
    assert [mask.getpixel(at) for at in ((100, 100), (300, 100), (200, 60), (200, 140), (2, 60))] == [0] * 5


def test_a_token_is_shown_once_and_revoked(page: Page, server):
    page.goto("/system/access")
    page.get_by_role("textbox", name="Name").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_text(re.compile("^fluxtune-")).inner_text()
    ask = {"x-key": token}
    assert page.request.get("/v1/credits", headers=ask).status == 200
    page.reload()
    expect(page.get_by_role("list", name="Tokens")).to_contain_text("laptop")
    expect(page.get_by_text(token)).to_have_count(0)
    assert_accessible(page)
    page.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_role("button", name="Revoked (1)")).to_be_visible()
    assert page.request.get("/v1/credits", headers=ask).status == 403


def test_signing_out_leaves_nothing_behind(page: Page, server, watch):
    watch.allowed.append("403")  # the browser itself logs the refused request
    page.goto("/system/access")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("fluxtune serve").first).to_be_visible()
    assert page.request.get("/api/session").status == 403
