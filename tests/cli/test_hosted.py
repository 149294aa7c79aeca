"""`fluxtune hosted` and hosted models with `fluxtune generate`, against a server of the tests."""

import io
from collections.abc import Iterator

import pytest

from tests.bfl_server import KEY, BflServer


@pytest.fixture
def server() -> Iterator[BflServer]:
    server = BflServer()
    yield server
    server.close()


@pytest.fixture
def fluxtune(fluxtune, server, monkeypatch):
    monkeypatch.setenv("FLUXTUNE_HOSTED__SERVER", server.url)
    return fluxtune


def add_key(fluxtune, monkeypatch, key=KEY):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    return fluxtune("hosted", "key", "add", "work", "--region", "server")


def test_a_key_a_budget_and_an_image(fluxtune, server, monkeypatch, tmp_path):
    added = add_key(fluxtune, monkeypatch)
    assert (added.code, KEY in added.out + added.err) == (0, False)
    assert "1,000.00 credits" in added.out
    assert fluxtune("hosted", "key", "list", "--json").json[0]["name"] == "work"
    assert fluxtune("hosted", "budget", "--day", "2", "--json").json["per_day"] == 2

    arguments = [
        "generate",
        "a cat",
        "--model",
        "bfl:flux-2-klein-4b",
        "--set",
        "safety_tolerance=1",
        "--out",
        tmp_path,
    ]
    made = fluxtune(*arguments, "--count", "1", "--json")
    assert made.code == 0, made.err
    assert next(iter(server.tasks.values()))["body"]["safety_tolerance"] == 1
    assert len(list(tmp_path.glob("*.jpeg"))) == 1

    refused = fluxtune(*arguments, "--count", "1")
    assert refused.code == 5
    assert "The budget does not allow this" in refused.err
    status = fluxtune("hosted", "status", "--json").json
    assert (status["spent_today"], status["accounts"][0]["credits"]) == (1.4, 1000.0)
    assert "delivered" in fluxtune("hosted", "ledger", "--csv", tmp_path / "ledger.csv").out
    assert (tmp_path / "ledger.csv").read_text().count("\n") == 2
    assert fluxtune("hosted", "ledger", "--not-delivered", "--json").json == []
    assert fluxtune("hosted", "fetch", made.json["id"]).code == 5
    assert fluxtune("hosted", "key", "remove", "work").code == 0
    assert fluxtune(*arguments).code == 3


def test_wrong_ways(fluxtune, studio, server, monkeypatch):
    assert add_key(fluxtune, monkeypatch, "wrong").code == 5
    assert add_key(fluxtune, monkeypatch, "").code == 2
    assert fluxtune("generate", "a cat", "--model", "bfl:flux-pro-finetuned").code == 2
    assert fluxtune("generate", "a cat", "--set", "raw=true").code == 2
    assert fluxtune("generate", "a cat", "--model", "bfl:flux-2-pro", "--set", "raw").code == 2
    assert "retired 2025-10-31" in fluxtune("hosted", "models").out
