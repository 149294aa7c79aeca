"""The pages by which a studio is watched and kept: each does what it says, in the browser, on a real server."""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from fluxtune.cli.main import run
from tests.e2e.checks import assert_accessible, overflow
from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e

PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    """Measures are written down at once: nobody waits half a minute for the first."""
    return {"FLUXTUNE_METRICS__EVERY_SECONDS": "2"}


def go(page: Page, address: str, heading: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()


def check(page: Page) -> None:
    """Accessible and nowhere too wide, on a desk and in a hand."""
    assert_accessible(page)
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        assert not overflow(page)


def test_lines_of_the_log_arrive_and_are_narrowed(page: Page, server: Server) -> None:
    go(page, "/system/logs", "Logs")
    lines = page.get_by_role("list", name="Lines of the log")
    expect(lines).to_be_visible()
    secret = "K3y-that-nobody-sees"
    server.client.update_settings({"trash.keep_days": 40, "alerts.webhook_secret": secret})
    changed = lines.get_by_role("listitem").filter(has_text="alerts.webhook_secret")
    expect(changed.filter(has_text="server")).to_be_visible()
    expect(lines).not_to_contain_text(secret)
    check(page)

    line = changed.filter(has_text="server").get_by_role("button", name="settings changed")
    line.focus()
    line.press("Enter")
    page.get_by_role("button", name="Only this request").press("Enter")
    narrowed = page.get_by_role("textbox", name="Request")
    expect(narrowed).not_to_have_value("")
    expect(page).to_have_url(re.compile("request_id="))
    number = narrowed.input_value()
    page.reload()
    expect(narrowed).to_have_value(number)
    expect(lines).to_contain_text("settings changed")

    narrowed.fill("")
    page.get_by_role("combobox", name="Level").click()
    page.get_by_role("option", name="Errors only").click()
    page.get_by_role("textbox", name="Words").fill("no line has these words")
    expect(page.get_by_text("No line is like that")).to_be_visible()
    page.get_by_role("button", name="Show all lines").click()
    expect(lines).to_contain_text("settings changed")

    with page.expect_download() as download:
        page.get_by_role("link", name="Support bundle").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as bundle:
        content = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert "settings changed" in content["logs/fluxtune.log"]
    assert not [name for name, text in content.items() if secret in text or server.token in text]


def await_measures(page: Page) -> None:
    """Return once the first measures are written down; the page itself asks anew only every half minute."""
    for _ in range(60):
        series = page.request.get("/api/metrics", params={"range": "hour"}).json()["series"]
        counted = {each["name"]: any(line["points"] for line in each["lines"]) for each in series}
        if counted["memory"] and counted["request_seconds"]:
            return
        page.wait_for_timeout(500)
    pytest.fail("no measures after half a minute")


def test_measures_are_plotted(page: Page) -> None:
    await_measures(page)
    with page.expect_response(lambda answer: "/api/metrics" in answer.url) as told:
        go(page, "/system/metrics", "Metrics")
    named = {each["name"]: each["title"] for each in told.value.json()["series"]}
    for title in named.values():
        if title not in ("GPU", "GPU memory", "Spent this month"):  # only where there is any
            expect(page.get_by_role("figure", name=title, exact=True)).to_be_visible()
    page.get_by_text("Hour", exact=True).click()
    memory = page.get_by_role("figure", name="Memory", exact=True)
    expect(memory.locator("svg.recharts-surface").first).to_be_visible()
    expect(memory).to_contain_text("%")
    expect(page.get_by_role("figure", name="Time to answer")).to_contain_text("for 95 of 100")
    check(page)


def test_an_alert_is_raised_and_seen_to(page: Page) -> None:
    go(page, "/system/alerts", "Alerts")
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    page.get_by_role("button", name="Send a trial").press("Enter")
    expect(page.get_by_role("list", name="Alerts")).to_contain_text("This is a trial")
    check(page)
    page.get_by_role("button", name="Seen to: This is a trial").press("Enter")
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    page.get_by_role("switch", name="With those that are over").press("Space")
    expect(page.get_by_role("list", name="Alerts")).to_contain_text("seen to by")


def test_storage_is_cleaned(page: Page) -> None:
    made = page.request.post("/api/datasets", data={"name": "Old"}).json()
    assert page.request.delete(f"/api/datasets/{made['id']}").ok
    go(page, "/system/storage", "Storage")
    page.get_by_role("button", name="Measure again").click()
    expect(page.get_by_text("1 thing, little room")).to_be_visible()
    bar = page.locator(".mantine-Progress-section").first
    assert bar.evaluate("each => getComputedStyle(each).backgroundColor") != "rgba(0, 0, 0, 0)"
    button = page.get_by_role("button", name="Empty the trash")
    assert button.evaluate("each => each.scrollWidth <= each.clientWidth"), "its words are cut off"
    check(page)
    button.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Empty the trash").click()
    expect(page.get_by_text("Nothing to clean")).to_be_visible()
    assert page.request.get(f"/api/datasets/{made['id']}").status == 404


def test_a_backup_is_made_checked_restored_and_removed(
    page: Page, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sync", lambda: None)  # no power is cut here; everybody else's writing is not waited for
    kept = page.request.post("/api/datasets", data={"name": "Worth keeping"}).json()
    server.client.update_settings({"backups.folder": str(tmp_path / "copies")})
    go(page, "/system/backups", "Backups")
    expect(page.get_by_text("None yet. The first copies everything")).to_be_visible()
    page.get_by_role("button", name="Back up now").press("Enter")
    page.get_by_role("button", name="Check the backup of").press("Enter")
    row = page.get_by_role("listitem", name="Backup of")
    expect(row).to_contain_text("whole")
    check(page)

    where = ["--from", str(tmp_path / "copies")]
    assert run(["admin", "restore", *where, "--data", str(tmp_path / "new"), "--without-settings"]) == 0
    assert run(["dataset", "show", kept["id"], "--data", str(tmp_path / "new"), "--json"]) == 0

    page.get_by_role("button", name="Remove the backup of").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(row).to_have_count(0)


def test_what_was_done_is_listed_proved_and_exported(page: Page) -> None:
    go(page, "/system/activity", "Activity")
    entries = page.get_by_role("list", name="Entries, newest first")
    expect(entries).to_contain_text("Backup removed")
    page.get_by_role("button", name="Verify").press("Enter")
    expect(page.get_by_text("none changed, none missing")).to_be_visible()
    page.get_by_role("combobox", name="What was done").select_option(label="Setting changed")
    expect(entries).not_to_contain_text("Backup removed")
    expect(entries).to_contain_text("Setting changed")
    check(page)
    page.get_by_role("button", name="Export").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Everything (JSON lines)").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert {json.loads(line)["action"] for line in lines} == {"setting.changed"}
