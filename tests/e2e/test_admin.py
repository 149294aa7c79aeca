"""The pages an administrator looks after a studio with: each does what it says."""

import pytest
from playwright.sync_api import expect

from tests.e2e.checks import assert_accessible, overflow

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
