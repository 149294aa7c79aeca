"""The log is read back: newest first, over rotated files, only what is wanted, without secrets."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fluxtune.config.paths import Paths
from fluxtune.config.redaction import HIDDEN, Redactor
from fluxtune.logs import reading
from fluxtune.logs.reading import Wanted, part_of, read


def line(event: str, **rest: Any) -> str:
    record = {"event": event, "level": "info", "logger": "fluxtune.jobs.runner", "process": "worker"}
    return json.dumps({**record, "timestamp": "2026-11-01T10:00:00.000001Z", **rest})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    paths.create()
    return paths


def events(paths: Paths, limit: int = 100, **wanted: Any) -> list[str]:
    return [each.event for each in read(paths, Wanted(**wanted), limit, Redactor()).lines]


def test_newest_first_over_rotated_files(paths: Paths) -> None:
    paths.log_file.write_text(line("e") + "\n" + line("f") + "\n")
    for number, names in ((1, "cd"), (2, "ab"), (10, "Z")):
        paths.log_file.with_name(f"fluxtune.log.{number}").write_text("".join(line(name) + "\n" for name in names))
    assert events(paths) == list("fedcbaZ")
    page = read(paths, Wanted(), 3, Redactor())
    assert ([each.event for each in page.lines], page.is_all) == (list("fed"), False)
    assert len({each.id for each in read(paths, Wanted(), 100, Redactor()).lines}) == 7


def test_only_what_is_wanted(paths: Paths) -> None:
    lines = [
        line("job ended", job_id="j1", level="warning", state="failed"),
        line("request", logger="fluxtune.api.context", process="server", request_id="r1", path="/é"),
        line("step broke", job_id="j2", level="error", exception="Traceback: KeyError"),
        "not json at all", "[1]", '{"event": "cut off in the mid',
    ]  # fmt: skip
    paths.log_file.write_text("\n".join(lines))
    assert events(paths, level="warning") == ["step broke", "job ended"]
    assert events(paths, part="api") == events(paths, part="server") == events(paths, request_id="r1") == ["request"]
    assert events(paths, job_id="j1") == events(paths, words="ENDED failed") == ["job ended"]
    assert events(paths, words="/é") == ["request"]
    page = read(paths, Wanted(part="nothing"), 10, Redactor())
    assert (page.lines, page.parts, page.is_all) == ([], ["api", "jobs", "server", "worker"], True)


def test_a_line_says_when_who_and_what(paths: Paths) -> None:
    paths.log_file.write_text(line("job ended", job_id="j1", state="failed", token="abcdef-secret"))
    (found,) = read(paths, Wanted(), 10, Redactor()).lines
    assert (found.part, found.process, found.job_id, found.request_id) == ("jobs", "worker", "j1", None)
    assert found.at is not None
    assert found.rest == {"state": "failed", "token": HIDDEN}


def test_no_file_is_no_error(paths: Paths) -> None:
    assert read(paths, Wanted(), 10, Redactor()).lines == []


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=30),
    chunk=st.integers(1, 90),
)
@examples(max_examples=30)
def test_every_line_is_read_once_whatever_the_pieces(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], chunk: int
) -> None:
    paths = Paths(tmp_path_factory.mktemp("log"))
    paths.create()
    paths.log_file.write_text("".join(json.dumps({"event": f"x{name}"}) + "\n" for name in names))
    before, reading._CHUNK = reading._CHUNK, chunk
    try:
        found = list(reading._backwards(paths.log_file))
    finally:
        reading._CHUNK = before
    assert [json.loads(raw)["event"] for _, raw in found] == [f"x{name}" for name in reversed(names)]
    content = paths.log_file.read_bytes()
    for line_id, raw in found:
        assert content[int(line_id.partition("-")[2], 16) :].startswith(raw)


def test_parts() -> None:
    assert [part_of(name) for name in ("fluxtune.jobs.runner", "uvicorn.error", "fluxtune", "")] == [
        "jobs", "uvicorn", "fluxtune", "",
    ]  # fmt: skip
