"""Drawing images with the resident generator."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fluxtune.core.errors import InvalidInput, NotFound, OutOfMemory
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import GeneratorEventType
from fluxtune.engine.flux.adapters import read_metadata
from fluxtune.engine.generator import Cancelled, Generator
from tests.engine.plain import ROUNDING, assert_same, draw_with_diffusers, pixels


class Studio:
    """A resident generator, what it has said, and short ways to ask it."""

    def __init__(self, base: Path, folder: Path, generator: Generator | None = None) -> None:
        self.base, self.folder = base, folder
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.generator = generator or Generator(self.say)
        self.generator.say = self.say

    def say(self, type_: GeneratorEventType, /, **data: Any) -> None:
        self.said.append((type_, data))

    def request(self, name: str, **values: Any) -> GenerationRequest:
        defaults = {
            "id": name, "base": self.base.name, "base_path": self.base, "prompt": "zwx a", "seeds": [3], "width": 64,
            "height": 64, "steps": 2, "guidance": 2.0, "out_dir": self.folder / name,
        }  # fmt: skip
        return GenerationRequest.model_validate(defaults | values)

    def draw(self, name: str, **values: Any) -> list[bytes]:
        request = self.request(name, **values)
        self.generator.generate(request)
        return [(request.out_dir / f"{index}.png").read_bytes() for index in range(len(request.seeds))]


@pytest.fixture(scope="module")
def resident() -> Generator:
    """One generator for many tests, as in life."""
    return Generator(lambda type_, /, **data: None)


@pytest.fixture
def studio(flux2: Path, tmp_path: Path, resident: Generator) -> Studio:
    return Studio(flux2, tmp_path, resident)


@pytest.fixture
def adapter(flux2: Path, finished_runs: dict[Path, Path]) -> Path:
    return finished_runs[flux2] / "adapter.safetensors"


def test_strength_zero_is_the_base_bit_for_bit(base: Path, finished: Path, tmp_path: Path) -> None:
    studio, adapter = Studio(base, tmp_path), finished / "adapter.safetensors"
    before = studio.draw("before")
    with_adapter = studio.draw("with", adapter_path=adapter)
    zero = studio.draw("zero", adapter_path=adapter, finetune_strength=0)
    half = studio.draw("half", adapter_path=adapter, finetune_strength=0.5)
    after = studio.draw("after")
    assert before == zero == after
    assert len({before[0], with_adapter[0], half[0]}) == 3
    assert studio.draw("again", adapter_path=adapter) == with_adapter


def test_an_image_does_not_depend_on_its_neighbours(studio: Studio, adapter: Path) -> None:
    together = studio.draw("together", seeds=[1, 2, 3], adapter_path=adapter)
    assert studio.draw("alone", seeds=[2], adapter_path=adapter) == [together[1]]
    assert len(set(together)) == 3


def test_anyones_diffusers_draws_the_same_image(base: Path, finished: Path, tmp_path: Path) -> None:
    studio, adapter = Studio(base, tmp_path), finished / "adapter.safetensors"
    [without] = studio.draw("without")
    [ours] = studio.draw("ours", adapter_path=adapter)
    assert np.array_equal(pixels(without), pixels(draw_with_diffusers(base)))
    assert_same(ours, draw_with_diffusers(base, adapter))
    assert np.abs(pixels(ours) - pixels(without)).max() > 10 * ROUNDING


def test_the_adapter_says_what_it_is(adapter: Path, flux2: Path) -> None:
    metadata = read_metadata(adapter)
    assert metadata["fluxtune.base"] == flux2.name
    assert metadata["fluxtune.trigger_word"] == "zwx"
    assert metadata["fluxtune.rank"] == metadata["fluxtune.alpha"] == "4"
    assert metadata["fluxtune.steps"] == "6"
    assert metadata["fluxtune.snapshot_hash"] == "s" * 64
    assert json.loads(metadata["fluxtune.recipe"])["learning_rate"] == 0.01
    lora = json.loads(metadata["lora_adapter_metadata"])
    assert lora["transformer.r"] == 4
    assert {"modelspec.sai_model_spec", "modelspec.architecture", "modelspec.title"} <= metadata.keys()
    assert not [value for value in metadata.values() if str(flux2) in value]


def test_what_is_said_while_drawing(flux2: Path, tmp_path: Path, adapter: Path) -> None:
    studio = Studio(flux2, tmp_path)
    studio.draw("one", seeds=[1, 2], adapter_path=adapter)
    assert [data["phase"] for type_, data in studio.said if type_ == "generation.phase"] == [
        "loading base", "loading adapter", "generating",
    ]  # fmt: skip
    progress = [(d["index"], d["step"]) for t, d in studio.said if t == "generation.progressed"]
    assert progress == [(0, 1), (0, 2), (1, 1), (1, 2)]
    studio.said.clear()
    studio.draw("two", adapter_path=adapter)
    assert [data["phase"] for type_, data in studio.said if type_ == "generation.phase"] == ["generating"]
    assert studio.said[-1][0] == "generation.succeeded"


def test_long_prompts_are_told(studio: Studio) -> None:
    studio.draw("long", prompt="a very long prompt about a very long thing")
    notes = [data["note"] for _, data in studio.said if data.get("note")]
    assert len(notes) == 1
    assert "16 tokens" in notes[0]


def test_the_placeholder_becomes_the_trigger_word(studio: Studio, adapter: Path) -> None:
    named = studio.draw("named", prompt="zwx a", adapter_path=adapter)
    assert studio.draw("filled", prompt="[trigger] a", adapter_path=adapter) == named


def test_adapters_used_long_ago_are_let_go(
    studio: Studio, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxtune.engine.generator.KEPT_ADAPTERS", 1)
    first = studio.draw("first", adapter_path=adapter)
    other = adapter.parent / "checkpoints" / "step-000002" / "adapter.safetensors"
    assert studio.draw("other", adapter_path=other) != first
    assert studio.draw("back", adapter_path=adapter) == first
    assert len(studio.generator._adapters) == 1


def test_what_can_not_be_drawn_is_named(studio: Studio, adapter: Path, tmp_path: Path) -> None:
    for width in (63, 0, 4096):
        with pytest.raises(InvalidInput, match="width"):
            studio.draw("size", width=width)
    with pytest.raises(NotFound, match="gone"):
        studio.draw("gone", adapter_path=tmp_path / "gone.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(adapter.read_bytes()[:1000])
    with pytest.raises(InvalidInput, match="broken"):
        studio.draw("broken", adapter_path=broken)


def test_an_adapter_of_another_base_does_not_fit(studio: Studio, finished_runs: dict[Path, Path], flux1: Path) -> None:
    before = studio.draw("before")
    with pytest.raises(InvalidInput, match="tiny-flux1"):
        studio.draw("other", adapter_path=finished_runs[flux1] / "adapter.safetensors")
    assert studio.draw("after") == before


def test_a_request_can_be_taken_back(studio: Studio) -> None:
    def check() -> None:
        if any(type_ == "generation.progressed" for type_, _ in studio.said):
            raise Cancelled

    with pytest.raises(Cancelled):
        studio.generator.generate(studio.request("one", seeds=[1, 2]), check)
    assert not (studio.folder / "one" / "0.png").exists()


@pytest.fixture
def answers(flux2: Path, finished_runs: dict[Path, Path], tmp_path: Path) -> list[dict[str, Any]]:
    """What the process answers to a good line, a bad one, one that is taken back, and another good one."""
    studio = Studio(flux2, tmp_path)
    adapter = finished_runs[flux2] / "adapter.safetensors"
    lines = [
        studio.request("good", adapter_path=adapter).model_dump_json(),
        '{"no": "request"}',
        "no json",
        '{"cancel": "late"}',
        studio.request("late").model_dump_json(),
        studio.request("last", steps=1).model_dump_json(),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "fluxtune.engine", "generate"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Failed to load" not in done.stderr
    assert "is an Enum subclass" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_process_answers_line_by_line_and_ends_with_its_input(answers: list[dict[str, Any]]) -> None:
    ends = [
        (a["type"], a["data"]["id"]) for a in answers if a["type"].split(".")[1] in ("succeeded", "failed", "cancelled")
    ]
    assert answers[0]["type"] == "generator.ready"
    assert ends == [
        ("generation.succeeded", "good"), ("generation.failed", None), ("generation.failed", None),
        ("generation.cancelled", "late"), ("generation.succeeded", "last"),
    ]  # fmt: skip


def test_a_base_in_main_memory_draws_the_same(
    base: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = finished / "adapter.safetensors"
    with_adapter = {"adapter_path": adapter, "finetune_strength": 0.7}
    plain = Studio(base, tmp_path / "plain")
    [own], [fused] = plain.draw("base"), plain.draw("with", **with_adapter)
    monkeypatch.setattr("fluxtune.engine.flux.load.generation_plan", lambda *_: "blocks")
    moved = Studio(base, tmp_path / "moved")
    assert moved.draw("base") == [own]
    [beside] = moved.draw("with", **with_adapter)
    assert_same(fused, beside)
    assert (plain.generator._fuser is None, moved.generator._fuser is None) == (False, True)


def test_a_base_without_room_is_not_loaded(flux2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxtune.engine.flux.load.generation_plan", lambda *_: None)
    with pytest.raises(OutOfMemory, match=r"Drawing with Tiny FLUX\.2 needs"):
        Studio(flux2, tmp_path).draw("one")
