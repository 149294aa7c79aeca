"""Without a studio: a command trains for real, draws, exports, and leaves the run in good hands when interrupted."""

import json
import os
import signal
import subprocess
import sys
import time

from PIL import Image

from fluxtune.cli import exits

TIMEOUT_S = 600


def command(data, *arguments):
    return [sys.executable, "-m", "fluxtune", "--data", str(data), *map(str, arguments)]


def fluxtune(data, *arguments):
    result = subprocess.run(
        command(data, *arguments, "--json"), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)


def test_from_images_to_a_file_of_ones_own_model(data, tmp_path):
    code, dataset = fluxtune(data, "dataset", "create", "Try", "--sample")
    assert (code, dataset["image_count"]) == (exits.OK, 10)

    few = ["--set", "steps=3", "--set", "checkpoint_every=2", "--set", "sample_every=0", "--name", "My Zubo"]
    code, finetune = fluxtune(data, "finetune", "start", "--dataset", "Try", "--base", "pocket", *few)
    assert (code, finetune["state"], finetune["step"]) == (exits.OK, "succeeded", 3), finetune
    assert fluxtune(data, "finetune", "show", "My Zubo")[1]["state"] == "succeeded"
    (left,) = fluxtune(data, "queue", "list")[1]
    assert left["kind"] == "health", "nobody asked for the check, so the command did not wait for it"

    code, model = fluxtune(data, "finetune", "keep", "My Zubo", "--step", "2")
    assert (code, [version["step"] for version in model["versions"]]) == (exits.OK, [3, 2])
    code, problem = fluxtune(data, "finetune", "keep", "My Zubo", "--step", "1")
    assert (code, problem["title"]) == (exits.NOT_FOUND, "No such checkpoint")

    made = ["generate", "a [trigger] creature", "--model", "My Zubo", "--count", "2", "--seed", "5", "--steps", "2"]
    code, generation = fluxtune(data, *made, "--out", tmp_path / "pictures")
    assert code == exits.OK, generation
    assert generation["prompt"] == "a zubo creature"
    assert [image["seed"] for image in generation["images"]] == [5, 6]
    for image in generation["images"]:
        with Image.open(image["file"]) as picture:
            assert picture.size == (generation["width"], generation["height"])

    code, exported = fluxtune(data, "model", "export", "My Zubo", "--out", tmp_path / "zubo.safetensors")
    assert code == exits.OK
    assert (tmp_path / "zubo.safetensors").stat().st_size == exported["byte_count"] > 0
    assert not (data / "studio.json").exists()

    code, check = fluxtune(data, "model", "health", "My Zubo", "--cancel")
    assert (code, check["kind"]) == (exits.OK, "health")
    until = time.monotonic() + 120
    while fluxtune(data, "queue", "list")[1]:
        assert time.monotonic() < until, "the check goes on"


def test_ctrl_c_leaves_the_run_at_work(data, monkeypatch):
    monkeypatch.setenv("FLUXTUNE_WORKER__IDLE_EXIT_SECONDS", "2")  # the worker that is left ends soon after its work
    fluxtune(data, "dataset", "create", "Try", "--sample")
    start = ["finetune", "start", "--dataset", "Try", "--set", "steps=5000", "--set", "sample_every=0"]
    process = subprocess.Popen(
        command(data, *start),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background has them ignore Ctrl-C, which would be inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "/5000" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    said += process.communicate(timeout=120)[1]
    assert process.returncode == exits.INTERRUPTED, said
    assert "goes on in the background" in said
    assert "Traceback" not in said

    (finetune,) = fluxtune(data, "finetune", "list")[1]
    assert finetune["state"] == "running"
    code, _ = fluxtune(data, "finetune", "cancel", finetune["id"])
    assert code == exits.OK
    until = time.monotonic() + 120
    while (state := fluxtune(data, "finetune", "show", finetune["id"])[1]["state"]) == "running":
        assert time.monotonic() < until, "the worker did not obey"
    assert state == "cancelled"
