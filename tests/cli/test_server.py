"""`fluxtune server`, and `--server` of a finetune, against a second studio in this process."""

import io

import pytest

from tests.elsewhere import URL, far, far_app, token, wire
from tests.makers import add_model
from tests.zoo import picture

__all__ = ["far", "far_app", "token", "wire"]


@pytest.fixture
def add(fluxtune, studio, wire, monkeypatch):
    def run(token, *more):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
        return fluxtune("server", "add", "gpu", URL, *more)

    return run


def test_add_list_test_remove(fluxtune, add, far, token, tmp_path):
    add_model(far, tmp_path, finetune_id=None)
    added = add(token)
    assert (added.code, token in added.out + added.err) == (0, False)
    assert "gpu answers: fluxtune" in added.out
    assert "this computer's own" in added.err
    assert [each["name"] for each in fluxtune("server", "list", "--json").json] == ["gpu"]
    assert "answers" in fluxtune("server", "list").out
    assert fluxtune("server", "test", "gpu").code == 0
    assert "Rex · gpu" in {each["name"] for each in fluxtune("server", "models", "--json").json}
    assert fluxtune("server", "remove", "gpu").code == 0
    assert fluxtune("server", "list", "--json").json == []
    assert fluxtune("server", "remove", "gpu").code == 4


def test_errors(fluxtune, add, far, token, wire):
    refused = add("nonsense")
    assert refused.code == 5
    assert "The server does not accept the token" in refused.err
    assert add("").code == 2
    add(token)
    wire.before = lambda request: (_ for _ in ()).throw(OSError("no route to host"))
    away = fluxtune("server", "test", "gpu")
    assert away.code == 1
    assert "does not answer" in away.out + away.err


def test_a_plan_for_a_server(fluxtune, add, far, token, tmp_path):
    add(token)
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    fluxtune("dataset", "create", "rex", *tmp_path.glob("*.png"))
    planned = fluxtune("finetune", "start", "--dataset", "rex", "--server", "gpu", "--plan")
    assert planned.code == 0, planned.err
    assert "at gpu" in planned.out
    assert fluxtune("finetune", "start", "--dataset", "rex", "--server", "other", "--plan").code == 4
