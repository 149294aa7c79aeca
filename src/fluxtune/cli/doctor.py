"""`fluxtune doctor`: what is ready, what is missing, and the command that adds it. Looks without importing torch."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.text import Text

import fluxtune
from fluxtune.cli import exits
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, size

if TYPE_CHECKING:
    from fluxtune.config import Settings

app = typer.Typer(add_completion=False, help=COMMANDS["doctor"][1])

# A run keeps a few checkpoints and samples; below this it may stop half-way.
LITTLE_ROOM = 2_000_000_000


class Finding(BaseModel):
    """One thing looked at. What is not ready and needed makes the command exit with 3."""

    name: str
    is_ready: bool
    is_needed: bool
    text: str
    command: str | None = None


class Report(BaseModel):
    """Everything that was looked at."""

    version: str
    python: str
    data: str
    is_ready: bool
    findings: list[Finding]


def look(data: Path | None) -> Report:
    """Look at everything; slow things (importing torch, asking a GPU) are left to the engine itself."""
    from fluxtune.config import load_settings

    settings = load_settings(data)
    findings = [*_engine(), *_bases(settings), _ui()]
    findings += [*_folder(settings.data), _studio(settings.data), _gpu()]
    return Report(
        version=fluxtune.__version__,
        python=f"{platform.python_version()} ({sys.executable})",
        data=str(settings.data),
        is_ready=all(each.is_ready for each in findings if each.is_needed),
        findings=findings,
    )


def _engine() -> Iterator[Finding]:
    from fluxtune.engine.doctor import check_engine

    check = check_engine()
    text = (
        "installed" if check.is_ready else f"needed for training and making images; missing: {', '.join(check.missing)}"
    )
    yield Finding(
        name="engine",
        is_ready=check.is_ready,
        is_needed=True,
        text=text,
        command=None if check.is_ready else check.command,
    )


def _bases(settings: "Settings") -> Iterator[Finding]:
    from fluxtune.engine.estimate import describe_machine
    from fluxtune.models.bases import list_entries

    entries = list_entries(settings, describe_machine(existing_folder(settings.data)))
    absent = [each for each in entries if each.source == "absent"]
    for each in entries:
        if each.source == "absent":
            continue
        text = f"{each.title}, {size(each.size_bytes)}, {each.licence}" if each.is_ready else str(each.missing)
        command = each.how_to_get or None
        is_needed = each.name == "pocket"
        yield Finding(name=f"base {each.name}", is_ready=each.is_ready, is_needed=is_needed, text=text, command=command)
    if not any(each.name == "pocket" for each in entries):
        yield Finding(
            name="base pocket",
            is_ready=False,
            is_needed=True,
            text="the bundled base is missing from this installation",
            command="pip install --force-reinstall --no-deps fluxtune",
        )
    if absent:
        text = f"{len(absent)} published ones can be added, {absent[0].title} first; fluxtune model bases lists them"
        yield Finding(name="more bases", is_ready=False, is_needed=False, text=text, command=absent[0].how_to_get)


def _ui() -> Finding:
    built = Path(fluxtune.__file__).parent / "web" / "dist" / "index.html"
    ready = built.is_file()
    return Finding(
        name="browser UI",
        is_ready=ready,
        is_needed=True,
        text="built" if ready else "not built in this copy",
        command=None if ready else "make ui",
    )


def existing_folder(data: Path) -> Path:
    """Return a folder, or the nearest above it that is there."""
    return next(folder for folder in (data, *data.parents) if folder.exists())


def _folder(data: Path) -> Iterator[Finding]:
    existing = existing_folder(data)
    is_writable = existing.is_dir() and os.access(existing, os.W_OK)
    yield Finding(
        name="data folder",
        is_ready=is_writable,
        is_needed=True,
        text=str(data) if is_writable else f"{data} can't be written",
        command=None if is_writable else "fluxtune --data DIR …",
    )
    free = shutil.disk_usage(existing).free
    yield Finding(name="disk", is_ready=free > LITTLE_ROOM, is_needed=False, text=f"{size(free)} free")


def _studio(data: Path) -> Finding:
    from fluxtune.client import find_studio

    address = find_studio(data)
    return Finding(
        name="studio",
        is_ready=address is not None,
        is_needed=False,
        text=f"runs at {address.url}" if address else "not running; commands start one for themselves",
        command=None if address else "fluxtune serve",
    )


def _gpu() -> Finding:
    has_gpu = shutil.which("nvidia-smi") is not None or (sys.platform == "darwin" and platform.machine() == "arm64")
    text = "found" if has_gpu else "none found; the bundled base runs on the processor, real FLUX bases want a GPU"
    return Finding(name="GPU", is_ready=has_gpu, is_needed=False, text=text)


def _draw(report: Report, out: Console) -> None:
    out.print(f"fluxtune {report.version}, Python {report.python}", markup=False)
    width = max(len(each.name) for each in report.findings)
    for each in report.findings:
        mark, style = ("✓", "green") if each.is_ready else ("✗", "red") if each.is_needed else ("–", "yellow")
        line = Text.assemble((mark, style), f" {each.name:<{width}}  {each.text}")
        out.print(line)
        if each.command:
            out.print(Text(f"  {'':<{width}}  → {each.command}", style="bold"))
    out.print("Everything needed is there." if report.is_ready else "Something needed is missing; see ✗ above.")


@app.command()
def doctor(data: DataOption = None, json: JsonOption = False) -> None:
    """Say what is ready, what is missing, and the command that adds it."""
    report = look(data)
    Output(json).result(report, lambda out: _draw(report, out))
    if not report.is_ready:
        raise typer.Exit(exits.NOT_READY)
