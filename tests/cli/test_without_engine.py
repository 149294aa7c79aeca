"""The package without its [local] extra: everything starts, and says what is missing and how to add it."""

import json
import os
import subprocess
import sys
import time

import pytest

from fluxtune.cli import exits
from fluxtune.client import ApiProblem, Client

# Python finds none of the extra's packages, as in an environment without them.
BLOCKER = """
import importlib.machinery as machinery
hidden = {"torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "numpy"}
find = machinery.PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.split(".")[0] in hidden else find(name, path, target)
machinery.PathFinder.find_spec = staticmethod(find_spec)
"""
COMMAND = "pip install 'fluxtune[local]'"


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(BLOCKER)
    # What this checkout has on its path must stay there, whichever way it was installed.
    path = os.pathsep.join([str(tmp_path / "site"), *(each for each in sys.path if each)])
    return {**os.environ, "PYTHONPATH": path, "FLUXTUNE_DATA": str(tmp_path / "data")}


def fluxtune(environment, *arguments):
    command = [sys.executable, "-m", "fluxtune", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_doctor_names_the_command(environment):
    result = fluxtune(environment, "doctor", "--json")
    assert result.returncode == exits.NOT_READY, result.stderr
    engine = next(each for each in json.loads(result.stdout)["findings"] if each["name"] == "engine")
    assert engine["command"] == COMMAND
    assert "torch" in engine["text"]


def test_finetune_says_what_is_missing(environment):
    assert fluxtune(environment, "dataset", "create", "Try", "--sample").returncode == exits.OK
    result = fluxtune(environment, "finetune", "start", "--dataset", "Try")
    assert result.returncode == exits.NOT_READY
    assert COMMAND in result.stderr


def test_studio_starts_and_says_what_is_missing(environment, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "fluxtune", "serve", "--port", "0", "--no-open"], env=environment, stdout=subprocess.PIPE
    )
    try:
        record = tmp_path / "data" / "studio.json"
        until = time.monotonic() + 60
        while not record.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        address = json.loads(record.read_text())
        with Client(address["url"], address["token"]) as client:
            engine = client.system().engine
            assert not engine.is_ready
            assert {each.command for each in engine.missing} == {COMMAND}
            with pytest.raises(ApiProblem) as refusal:
                client.start_generation(model_id="pocket", prompt="a cat")
            assert refusal.value.status_code == 503
    finally:
        process.terminate()
        process.communicate(timeout=60)
