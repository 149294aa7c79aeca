"""Every place opens, at every size, in both schemes, by keyboard, and without a serious finding of axe."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_accessible, overflow, severe_violations

pytestmark = pytest.mark.e2e

PLACES = {
    "/": "Teach a FLUX model something new",
    "/datasets": "Datasets",
    "/finetunes": "Finetunes",
    "/finetunes/new": "New finetune",
    "/finetunes/compare": "Compare finetunes",
    "/models": "Models",
    "/models/pocket": "pocket",
    "/create": "Create",
    "/system": "Overview",
    "/system/hosted": "Hosted",
    "/system/access": "Access",
    "/system/servers": "Servers",
    "/system/flags": "Flags",
    "/system/activity": "Activity",
}
WINDOWS: dict[str, dict[str, Any]] = {
    "wide, light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "tablet, dark": {"viewport": {"width": 1024, "height": 768}, "color_scheme": "dark"},
    "phone, dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
}


@pytest.fixture(scope="module", autouse=True)
def sample_dataset(server):
    return server.client.create_dataset(sample=server.client.samples()[0].name)


@pytest.mark.parametrize("window", WINDOWS)
def test_every_place_is_accessible_and_fits(new_page, server, sample_dataset, window):
    page = new_page(**WINDOWS[window])
    page.goto(server.link())
    problems = []
    for address, heading in {**PLACES, f"/datasets/{sample_dataset.id}": sample_dataset.name}.items():
        page.goto(address)
        expect(page.get_by_role("heading", name=heading, exact=False).first).to_be_attached()
        expect(page.get_by_label("Loading")).to_have_count(0)
        problems += [f"{address}: {each}" for each in (*overflow(page), *severe_violations(page))]
    assert not problems, "\n".join(problems)


def test_an_unknown_address_leads_back(page: Page):
    page.goto("/no/such/place")
    expect(page.get_by_role("main")).to_contain_text("nothing", ignore_case=True)
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()


def test_a_browser_without_a_session_is_told_how_to_get_in(new_page, watch):
    watch.allowed.append("403")  # the browser itself logs the refused request
    page = new_page()
    page.goto("/")
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_text("fluxtune serve").or_(page.get_by_text("fluxtune open")).first).to_be_visible()
    assert_accessible(page)


def test_a_link_signs_in_once(new_page, server):
    link = server.link()
    first = new_page()
    first.goto(link)
    expect(first.get_by_role("navigation", name="Places")).to_be_visible()
    assert "token" not in first.url
    second = new_page()
    response = second.request.get(link)
    assert response.status == 403


def test_keyboard_alone_reaches_the_first_action(page: Page):
    expect(page.get_by_role("button", name="Try it with the sample images")).to_be_enabled()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Try it with the sample images")).to_be_focused()


def test_the_palette_goes_anywhere(page: Page):
    expect(page.get_by_role("navigation", name="Places")).to_be_visible()
    page.keyboard.press("Control+k")
    search = page.get_by_role("textbox", name="Search and commands").or_(
        page.get_by_role("combobox", name="Search and commands")
    )
    expect(search).to_be_focused()
    page.keyboard.type("models")
    page.keyboard.press("Enter")
    page.wait_for_url("**/models")
