"""Docs tell the truth: generated pages are current, every command and setting has its entry, links lead somewhere."""

import re
from pathlib import Path

import pytest

from fluxtune.cli.lazy import COMMANDS, LazyGroup
from tools import reference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", reference.PAGES)
def test_reference_page_is_current(name):
    written = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name]().rstrip() + "\n", "Run `make docs` and commit what it wrote."


def test_every_command_is_documented():
    text = (reference.FOLDER / "cli.md").read_text(encoding="utf-8")
    group = LazyGroup(name="fluxtune")
    for name, command in group.load_all().items():
        assert f"## fluxtune {name}" in text
        assert command.help, f"fluxtune {name} has no help"
        assert command.help.startswith(COMMANDS[name][1].split(".")[0].split(":")[0]), (
            f"`fluxtune --help` and `fluxtune {name} --help` say different things"
        )
        for child in getattr(command, "commands", {}).values():
            assert child.help, f"fluxtune {name} {child.name} has no help"
            assert f"### fluxtune {name} {child.name}\n" in text


def test_every_option_has_help():
    group = LazyGroup(name="fluxtune")
    commands = list(group.load_all().values())
    commands += [child for each in commands for child in getattr(each, "commands", {}).values()]
    missing = [f"{each.name} {option.name}" for each in commands for option in each.params if not option.help]
    assert not missing, f"No help text: {missing}"


def test_every_setting_has_a_description():
    empty = [row for row in reference._settings() if not row[4]]
    assert not empty, f"No description: {empty}"


@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    broken = [each for each in targets if "://" not in each and not (document.parent / each).exists()]
    assert not broken, f"Links of {document.name} that lead nowhere: {broken}"
