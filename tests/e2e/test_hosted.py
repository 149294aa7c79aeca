"""Hosted images in the browser, against a server that speaks BFL's API: key, price, image, cost, ledger, budget."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.bfl_server import KEY, BflServer
from tests.e2e.checks import assert_accessible

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
    page.get_by_role("button", name="Use FLUX1.1 [pro]").click()
    expect(page.get_by_role("button", name="Model: FLUX1.1 [pro]")).to_be_visible()

    page.goto("/system/hosted")
    line = page.get_by_role("table", name="Lines of the ledger").get_by_role("row").nth(1)
    expect(line).to_contain_text("flux-2-klein-4b")
    expect(line).to_contain_text("Delivered")
    expect(line).to_contain_text("$0.014")


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
