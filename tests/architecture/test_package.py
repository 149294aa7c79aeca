"""What the package promises: licence, explained and pinned dependencies."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)["project"]

# Adding a dependency is a decision: it shows up here, in pyproject with its reason, and in constraints.txt.
RUNTIME = {
    "fastapi", "uvicorn", "httptools", "uvloop", "pydantic", "pydantic-settings", "python-multipart", "sqlalchemy",
    "alembic", "dbos", "obstore", "pillow", "httpx2", "typer", "rich", "structlog", "platformdirs", "psutil",
    "uuid-utils", "pyyaml", "cryptography", "pi-heif", "pwdlib", "limits", "prometheus-client",
}  # fmt: skip
LOCAL = {"torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "numpy", "torchao", "prodigyopt"}


def names(requirements):
    return {re.split(r"[<>=\[; ]", each)[0].lower() for each in requirements}


def test_dependencies_are_the_decided_ones():
    assert names(PROJECT["dependencies"]) == RUNTIME
    assert names(PROJECT["optional-dependencies"]["local"]) == LOCAL


def test_every_dependency_says_why():
    section = TEXT[TEXT.index("dependencies = [") : TEXT.index("[project.scripts]")]
    lines = [line for line in section.splitlines() if line.startswith('    "')]
    unexplained = [line.strip() for line in lines if "  # " not in line]
    assert not unexplained, f"Add a comment that says what it is for: {unexplained}"


def test_every_dependency_is_pinned():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+", line) for line in lines), "Only name==version, no addresses"
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    wanted = names(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        wanted |= names(extra)
    assert wanted <= pinned, f"Not in constraints.txt: {sorted(wanted - pinned)}"


def test_licence_is_apache_2():
    assert PROJECT["license"] == "Apache-2.0"
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence


def test_version_is_the_same_everywhere():
    import fluxtune

    assert PROJECT["version"] == fluxtune.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {fluxtune.__version__}" in changelog
