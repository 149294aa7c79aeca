"""Can this computer train and generate? Looks without importing anything heavy."""

import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fluxtune import __version__
from fluxtune.backends.base import EngineMissing, MissingPart
from fluxtune.engine.doctor import check_engine

_REASONS = {
    "torch": "computes on the processor or graphics card",
    "diffusers": "knows the FLUX models",
    "transformers": "reads prompts",
    "peft": "holds adapters",
    "safetensors": "reads and writes weights",
    "numpy": "handles images as numbers",
}


def missing_parts() -> list[MissingPart]:
    """Return the Python packages that training and generating need and that are not installed."""
    check = check_engine()
    return [MissingPart(name, _REASONS.get(name, "is needed by the engine"), check.command) for name in check.missing]


def require_engine() -> None:
    """Raise `EngineMissing` with the command that installs it, unless all parts are there."""
    missing = missing_parts()
    if missing:
        names = ", ".join(part.name for part in missing)
        raise EngineMissing(
            f"Training and generating on this computer need {names}.",
            action=f"Run `{missing[0].command}`, then start fluxtune again.",
        )


@cache
def engine_versions() -> dict[str, str]:
    """Return the versions of what trains and draws, by the names they have in the package index."""
    found = {"fluxtune": __version__}
    for name in ("torch", "diffusers", "transformers", "peft"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@cache
def describe_device() -> tuple[str, str]:
    """Return the kind of device the engine will use and its name, as far as can be told without torch."""
    if Path("/proc/driver/nvidia/version").exists():
        try:
            command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
            return "cuda", answer.stdout.strip().splitlines()[0]
        except (OSError, subprocess.SubprocessError, IndexError):
            return "cuda", "NVIDIA graphics card"
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "mps", "Apple graphics"
    return "cpu", _processor_name()


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
