"""`fluxtune model link`, `lookup`, `parity`, `add`, against a server of the tests. Nothing is drawn here."""

from collections.abc import Iterator

import pytest

from tests.bfl_server import KEY, BflServer
from tests.loras import pocket_lora

ENDPOINT = "bfl:flux-2-klein-base-4b-finetuned"


@pytest.fixture
def server() -> Iterator[BflServer]:
    server = BflServer()
    yield server
    server.close()


@pytest.fixture
def fluxtune(fluxtune, server, monkeypatch):
    for name, value in {"SERVER": server.url, "REGION": "server", "KEY": KEY}.items():
        monkeypatch.setenv(f"FLUXTUNE_HOSTED__{name}", value)
    return fluxtune


def test_linked_looked_up_and_unlinked(fluxtune, server, tmp_path):
    file = pocket_lora(tmp_path / "rex.safetensors")
    assert fluxtune("model", "import", file, "--name", "Rex", "--no-preview").code == 0
    assert fluxtune("model", "link", "Rex", "rex").code == 2, "BFL hosts no pocket"
    linked = fluxtune("model", "link", "Rex", "rex", "--endpoint", ENDPOINT)
    assert linked.code == 0, linked.err
    assert "linked since" in linked.out
    server.finetunes = {"rex": {"lora_rank": 4}}
    assert fluxtune("model", "lookup", "Rex", "--json").json["deployment"]["state"] == "found"
    assert "lora_rank" in fluxtune("model", "show", "Rex").out
    (known,) = fluxtune("model", "deployed", "--json").json
    assert (known["finetune_id"], known["name"], known["hosted_model_id"]) == ("rex", "Rex", ENDPOINT)
    server.finetunes["wolf"] = {}
    listed = fluxtune("model", "at-bfl")
    assert [line.split() for line in listed.out.splitlines()[1:3]] == [["rex", "Rex"], ["wolf", "–"]]
    server.finetunes = None
    assert "BFL does not list any" in fluxtune("model", "at-bfl").out
    assert fluxtune("model", "unlink", "Rex", "--json").json["deployment"] is None
    assert fluxtune("model", "lookup", "Rex").code == 4


def test_money_is_asked_for(fluxtune, server, monkeypatch, tmp_path):
    file = pocket_lora(tmp_path / "rex.safetensors")
    fluxtune("model", "import", file, "--name", "Rex", "--no-preview")
    fluxtune("model", "link", "Rex", "rex", "--endpoint", ENDPOINT)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert fluxtune("model", "parity", "Rex").code == 2
    assert fluxtune("model", "lookup", "Rex", "--draw").code == 2
    assert server.tasks == {}
    drawn = fluxtune("model", "lookup", "Rex", "--draw", "--yes", "--json")
    assert drawn.json["deployment"]["state"] == "found"
    assert len(server.tasks) == 1


def test_added_by_its_name_and_drawn(fluxtune, server, tmp_path):
    server.finetunes = {"fox": {"finetune_comment": "Fox", "trigger_word": "foxo"}}
    assert fluxtune("model", "add", "wolf", "--endpoint", ENDPOINT).code == 4
    added = fluxtune("model", "add", "fox", "--endpoint", ENDPOINT, "--json")
    assert added.json["name"] == "Fox"
    made = fluxtune("generate", "a foxo", "--model", "Fox", "--count", "1", "--out", tmp_path)
    assert made.code == 0, made.err
    assert next(iter(server.tasks.values()))["body"]["finetune_id"] == "fox"
    assert fluxtune("model", "export", "Fox").code == 2
