"""Rules about the text of files: sizes, blocking routes, and what must never be committed."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON_LIMIT = 600
PYTHON_SOFT_LIMIT = 400
TSX_LIMIT = 300
# Files between the soft and the hard limit, each with the reason why it is not split.
LONG_ON_PURPOSE: dict[str, str] = {}

TEXT_SUFFIXES = {
    ".py", ".md", ".toml", ".txt", ".json", ".ts", ".tsx", ".css", ".html", ".yml", ".yaml", ".ini", ".js", ".mjs",
    ".cfg", ".sh", "",
}  # fmt: skip


def tracked(*suffixes: str) -> list[Path]:
    """Return the files git knows or would add, by suffix."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this copy is no git checkout")
    files = [ROOT / line for line in listed.stdout.splitlines()]
    return [file for file in files if file.is_file() and (not suffixes or file.suffix in suffixes)]


def line_count(file: Path) -> int:
    return file.read_text(encoding="utf-8").count("\n")


def test_python_files_are_small():
    sizes = {file.relative_to(ROOT).as_posix(): line_count(file) for file in tracked(".py")}
    too_long = {name: size for name, size in sizes.items() if size > PYTHON_LIMIT}
    assert not too_long, f"Split these by meaning; the limit is {PYTHON_LIMIT} lines: {too_long}"
    unexplained = {
        name: size
        for name, size in sizes.items()
        if size > PYTHON_SOFT_LIMIT and name not in LONG_ON_PURPOSE and not name.startswith("tests/")
    }
    assert not unexplained, f"Over {PYTHON_SOFT_LIMIT} lines: split, or give the reason here: {unexplained}"


def test_tsx_files_are_small():
    sizes = {file.relative_to(ROOT).as_posix(): line_count(file) for file in tracked(".tsx")}
    too_long = {name: size for name, size in sizes.items() if size > TSX_LIMIT}
    assert not too_long, f"Split these into components; the limit is {TSX_LIMIT} lines: {too_long}"


def test_no_route_blocks_the_event_loop():
    """A sync call in an `async def` route freezes every page and every live update."""
    wrong = []
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.AsyncFunctionDef) or not _is_route(node):
                continue
            waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
            if not any(isinstance(inner, waits) for inner in ast.walk(node)):
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not wrong, f"Write these as plain `def`: {wrong}"


def _is_route(node: ast.AsyncFunctionDef) -> bool:
    verbs = {"get", "post", "put", "patch", "delete", "api_route"}
    calls = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr in verbs for call in calls)


def test_nothing_of_this_machine_is_committed():
    patterns = {
        "a path of one machine": re.compile(r"(^|[^\w.-])/(work|home/\w+|root|Users/\w+|opt/wheels)/[\w.]"),
        "an address of a package registry": re.compile(
            r"(--(extra-)?index-url|\"resolved\":\s*\"http|registry\.npmjs\.org|pypi\.org/simple|files\.pythonhosted)"
        ),
        "a secret": re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9]{30,})"),
    }
    found = []
    for file in tracked():
        if file.suffix not in TEXT_SUFFIXES or file == Path(__file__):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        found += [f"{file.relative_to(ROOT)}: {what}" for what, pattern in patterns.items() if pattern.search(text)]
    assert not found, found


def test_no_test_is_switched_off():
    pattern = re.compile(
        r"pytest\.mark\.(skip\b|xfail)|\b(it|test|describe)\.(skip|only|todo)\(|raise NotImplemented" + "Error"
    )
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in tracked(".py", ".ts", ".tsx")
        if file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"Finish these or take them out: {found}"
