"""Checks that every page must pass."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SEVERE = {"serious", "critical"}


def severe_violations(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page, one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}), {rule['help']}: {[node['target'] for node in rule['nodes'][:4]]}"
        for rule in found
        if rule["impact"] in SEVERE
    ]


def assert_accessible(page: Page) -> None:
    """Fail when axe finds anything serious."""
    violations = severe_violations(page)
    assert not violations, f"{page.url}:\n" + "\n".join(violations)


def overflow(page: Page) -> list[str]:
    """Return a line when the page must be scrolled sideways."""
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{wider} px wider than the window"] if wider > 0 else []
