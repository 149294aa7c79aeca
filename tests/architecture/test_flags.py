"""Every feature flag has an effect, and nobody asks for one that there is not, or not any more."""

import re
from pathlib import Path

import pytest

from fluxtune.flags.registry import FLAGS, NAMES, REMOVED

ROOT = Path(__file__).parents[2]
ASKED = re.compile(r"""(?:flags\.(?:require|is_on)\(\s*[\w.]+,\s*|useFlag\(|[fF]lags\.includes\()["']([\w-]+)["']""")


def sources() -> dict[Path, str]:
    """Return what is written by hand, without the registry itself."""
    found = [*(ROOT / "src/fluxtune").rglob("*.py"), *(ROOT / "frontend/src").rglob("*.ts*")]
    return {
        file: file.read_text(encoding="utf-8")
        for file in found
        if "generated" not in file.parts and file.name != "registry.py"
    }


def test_nobody_asks_for_an_unknown_flag() -> None:
    asked = {name: file for file, text in sources().items() for name in ASKED.findall(text)}
    unknown = {name: str(file.relative_to(ROOT)) for name, file in asked.items() if name not in FLAGS}
    assert not unknown
    assert len(asked) > 5, "The pattern finds nothing any more."


@pytest.mark.parametrize("name", NAMES)
def test_every_flag_is_required_on_the_server(name: str) -> None:
    required = re.compile(rf"""flags\.require\(\s*[\w.]+,\s*["']{name}["']""")
    assert any(required.search(text) for file, text in sources().items() if file.suffix == ".py")


def test_registry_is_whole() -> None:
    assert set(FLAGS) == set(NAMES)
    assert not REMOVED & set(NAMES), "A name that a flag had once must not mean something else."
    assert all(flag.what.endswith(".") and flag.since for flag in FLAGS.values())


def test_removed_flags_are_gone() -> None:
    named = [(name, str(file)) for file, text in sources().items() for name in REMOVED if f'"{name}"' in text]
    assert not named
