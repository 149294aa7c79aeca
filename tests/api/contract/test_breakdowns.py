"""Errors nobody foresaw under `/v1`: told in the shape programs know, logged with their details."""

import pytest
import structlog

from fluxtune.api import gate
from fluxtune.contract.extensions import Extensions


@pytest.fixture
def broken(program, monkeypatch):
    def break_down(*_args, **_options):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(Extensions, "describe", break_down)
    return program


def test_have_the_shape_programs_know(broken):
    answer = broken.get("/v1/fluxtune")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert set(answer.json()) == {"detail"}
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


def test_are_logged_once_with_their_number(broken):
    with structlog.testing.capture_logs() as lines:
        broken.get("/v1/fluxtune")
    (line,) = [line for line in lines if line["event"] == "request broke"]
    assert line["path"] == "/v1/fluxtune"
    assert line["exc_info"]


def test_before_a_route_is_found_look_the_same(program, monkeypatch):
    def break_down(*_args, **_options):
        raise OSError("no database")

    monkeypatch.setattr(gate, "find_token_actor", break_down)
    answer = program.get("/v1/fluxtune")
    assert answer.status_code == 500
    assert set(answer.json()) == {"detail"}
