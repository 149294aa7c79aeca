"""The pages an administrator looks after a studio with: each does what it says, and open pages hear of it at once."""

import pytest
from playwright.sync_api import expect

from tests.e2e.checks import assert_accessible, overflow
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e


def go(page, address: str, heading: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()


def fine(page) -> None:
    assert_accessible(page)
    assert not overflow(page)


def test_a_setting_is_changed_traced_and_undone(page):
    go(page, "/system/settings", "Settings")
    field = page.get_by_role("textbox", name="Keep deleted things for")
    field.fill("12")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        field.press("Enter")
    row = page.get_by_role("listitem").filter(has=field)
    expect(row).to_contain_text("Changed here")
    room = page.get_by_role("textbox", name="Free disk space a run needs")
    expect(room).to_have_value("256 MB")
    fine(page)
    page.get_by_role("button", name="Undo change 1", exact=True).click()
    expect(field).to_have_value("30 days")
    expect(row).not_to_contain_text("Changed here")

    go(page, "/system/activity", "Activity")
    entries = page.get_by_role("list", name="Entries, newest first")
    expect(entries).to_contain_text("12")
    fine(page)


def test_an_open_page_hears_of_a_flag(page, new_page, server: Server):
    other = new_page()
    other.goto(server.link())
    with other.expect_response("**/api/events"):
        go(other, "/system/flags", "Flags")
    go(page, "/system/flags", "Flags")
    fine(page)
    with page.expect_response(lambda answer: "/api/flags/" in answer.url):
        page.get_by_role("radiogroup", name="Automatic captions").get_by_text("Off").click()
    chosen = other.get_by_role("radiogroup", name="Automatic captions").get_by_role("radio", name="Off")
    expect(chosen).to_be_checked()
