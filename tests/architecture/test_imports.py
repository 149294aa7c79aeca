"""Who may import what. The layers are checked by import-linter; here are the rules about single libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "fluxtune"
FILES = sorted(SOURCE.rglob("*.py"))

# library → where it may be imported, as parts of the path below src/fluxtune, and why only there.
HOMES: dict[str, tuple[tuple[str, ...], str]] = {
    "torch": (("engine/",), "`fluxtune serve` starts without torch; only the engine's child processes load it"),
    "diffusers": (("engine/",), "part of the [local] extra"),
    "transformers": (("engine/",), "part of the [local] extra"),
    "peft": (("engine/",), "part of the [local] extra"),
    "numpy": (("engine/",), "part of the [local] extra"),
    "sqlalchemy": (
        ("db/", "/tables.py", "/repository.py"),
        "queries live in repositories; everything else only passes a session on",
    ),
    "alembic": (("db/",), "migrations are the database's own business"),
    "dbos": (("jobs/",), "DBOS renames its API between minors; one package knows it"),
    "obstore": (("storage/",), "pre-1.0; one package knows it"),
    "httpx2": (
        ("client/", "backends/bfl/", "backends/vision/", "backends/fluxtune/", "webhooks/"),
        "HTTP goes out through these only",
    ),
    "fastapi": (("api/", "/endpoints.py", "jobs/stream.py"), "services raise our errors, never HTTPException"),
    "typer": (("cli/",), "the command line"),
    "rich": (("cli/",), "the command line"),
}
# A session is passed through services and endpoints, so its type may be named anywhere.
SESSION_TYPE = {"sqlalchemy.orm", "sqlalchemy.orm.Session"}
# What other packages may use of the engine: descriptions and rules without torch.
ENGINE_DOORS = {
    "config",
    "events",
    "bases",
    "recipes",
    "estimate",
    "doctor",
    "captions",
    "captioning",
    "buckets",
    "tokens",
    "runfolder",
    "reports",
    "suggestions",
    "known_bases",
    "lora_files",
    "memory",
}


def imported(file: Path) -> list[tuple[str, int]]:
    """Return every module a file imports anywhere, with the line."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.module, node.lineno))
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


@pytest.mark.parametrize("library", HOMES)
def test_library_is_imported_only_at_home(library):
    homes, reason = HOMES[library]
    wrong = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in FILES
        for module, line in imported(file)
        if module.split(".")[0] == library
        and module not in SESSION_TYPE
        and not any(home in f"/{file.relative_to(SOURCE).as_posix()}" for home in homes)
    ]
    assert not wrong, f"{library} is imported outside {', '.join(homes)} ({reason}): {sorted(set(wrong))}"


def test_engine_is_entered_through_its_doors():
    wrong = []
    for file in FILES:
        if file.is_relative_to(SOURCE / "engine"):
            continue
        for module, line in imported(file):
            parts = module.split(".")
            if parts[:2] == ["fluxtune", "engine"] and len(parts) > 2 and parts[2] not in ENGINE_DOORS:
                wrong.append(f"{file.relative_to(ROOT)}:{line} {module}")
    assert not wrong, f"Outside the engine only {sorted(ENGINE_DOORS)} may be imported: {wrong}"


def test_layers_hold():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


@pytest.mark.parametrize("module", ["fluxtune.cli.main", "fluxtune.api.app", "fluxtune.worker", "fluxtune.client"])
def test_starts_without_torch(module):
    code = (
        f"import {module}, sys; print([m for m in ('torch', 'diffusers', 'transformers', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout.strip() == "[]"
