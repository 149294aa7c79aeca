"""Checks that every page must pass."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

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


# The page's excess and the elements that reach beyond the window, outermost first.
_WIDER = """() => {
  const width = document.documentElement.clientWidth;
  const beyond = [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width + 1)
    .map((each) => `${each.tagName}.${each.getAttribute("class")}: ${(each.textContent ?? "").slice(0, 60)}`);
  return [`${document.documentElement.scrollWidth - width} px wider than the window`, ...beyond.slice(0, 12)];
}"""


def overflow(page: Page) -> list[str]:
    """Return what makes the page scroll sideways; plots and the like are given a moment to measure a new width."""
    try:
        page.wait_for_function(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth", timeout=5_000
        )
    except PlaywrightTimeoutError:
        return page.evaluate(_WIDER)
    return []
