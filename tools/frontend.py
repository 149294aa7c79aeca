"""`make frontend`: lint, format, types and tests of the browser UI, with Node from PyPI. Arguments choose some."""

import sys

from hatch_build import build_ui, node_first, npm

SCRIPTS = ("generate", "lint", "format:check", "types", "test")


def main() -> None:
    """Run the front end's own scripts one after the other; the first that fails ends it."""
    build_ui(dev=True)
    with node_first():
        for script in sys.argv[1:] or SCRIPTS:
            npm("run", script)


if __name__ == "__main__":
    main()
