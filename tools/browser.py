"""Make sure that there is a Chromium for the browser tests: the system's, else Playwright's own, else Debian's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "No Chromium was found and none could be installed. Install Chromium or Google Chrome, then run `make e2e`."


def find_browser() -> str | None:
    """Return the program to test with, or None."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    return _playwright_browser()


def _playwright_browser() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return str(path) if path.is_file() else None


def _install() -> None:
    tries = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        tries += [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]]
    for command in tries:
        print(" ".join(command), flush=True)
        subprocess.run(command, check=False)
        if find_browser():
            return


def main() -> None:
    """Find or install a browser. Without one only the browser tests fail, each saying so."""
    if find_browser() is None:
        _install()
    print(find_browser() or ADVICE)


if __name__ == "__main__":
    main()
