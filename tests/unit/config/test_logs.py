"""Every line of every process ends up in one file, as JSON."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from fluxtune.config import Settings
from fluxtune.config.logs import set_up_logs


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def test_lines_carry_their_context(settings: Settings) -> None:
    set_up_logs(settings, "worker", console=False)
    with structlog.contextvars.bound_contextvars(job_id="j1"):
        structlog.get_logger("ours").info("job ended", state="succeeded")
        logging.getLogger("theirs").warning("careful")
    lines = [json.loads(line) for line in settings.paths.log_file.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["job ended", "careful"]
    for line in lines:
        assert (line["job_id"], line["process"]) == ("j1", "worker")
        assert line["timestamp"].endswith("Z")


def test_tracebacks_are_kept(settings: Settings) -> None:
    set_up_logs(settings, "server", console=False)
    try:
        print(1 // 0)
    except ZeroDivisionError:
        structlog.get_logger("ours").exception("broke")
    assert "ZeroDivisionError" in json.loads(settings.paths.log_file.read_text())["exception"]
