"""What can be trained and how: methods, optimizers, averaging, noise levels, resolutions, preservation."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from fluxtune.engine.__main__ import train
from fluxtune.engine.bases import TimestepSampling, describe_base
from fluxtune.engine.captions import without_trigger
from fluxtune.engine.config import Recipe
from fluxtune.engine.data.snapshot import read_at
from fluxtune.engine.ema import Average
from fluxtune.engine.flux.extraction import extract
from fluxtune.engine.flux.family import functions_of
from fluxtune.engine.flux.load import load_image_pipeline, load_text_pipeline
from fluxtune.engine.flux.loss import sampling_of
from fluxtune.engine.flux.sample import draw_image, png_bytes
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.runtime import Device, make_deterministic
from tests.engine import tiny
from tests.engine.steering import adapter_of, ask, at_step

MakeRun = Callable[..., Path]
CPU = Device("cpu", torch.float32)

METHODS: dict[str, dict[str, Any]] = {
    "dora": {"method": "dora"},
    "dora with dropout": {"method": "dora", "dropout": 0.2},
    "full": {"method": "full", "learning_rate": 1e-3},
    "full, averaged": {"method": "full", "learning_rate": 1e-3, "ema_decay": 0.9},
    "averaged": {"ema_decay": 0.9},
    "prodigy": {"optimizer": "prodigy", "learning_rate": 1.0},
    "adamw8bit": {"optimizer": "adamw8bit", "rank": 64},
    "other noise levels": {"timestep_sampling": "uniform", "timestep_shift": 3.0},
    "more resolutions": {"more_resolutions": [96, 128]},
    "preservation": {"preservation": 1.0},
    "preservation of dora, with dropout": {"method": "dora", "preservation": 1.0, "dropout": 0.2},
    "gradient checkpointing": {"gradient_checkpointing": "on", "dropout": 0.2},
    "attention": {"target_layers": "attention"},
}
PACKAGES = {"prodigy": "prodigyopt", "adamw8bit": "torchao"}


def of_type(run: Path, type_: str) -> list[dict[str, Any]]:
    return [event["data"] for event in tiny.events_of(run) if event["type"] == type_]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_resumes_exactly(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    settings = {"sample_every": 0, "checkpoint_every": 20, "flip": True, "validate_every": 3} | METHODS[name]
    runs = [make_run(flux2, **settings) for _ in range(2)]
    for run in runs:
        tiny.draw_image(2, (160, 96)).save(run / "snapshot" / "2.png")
    at_step(2, lambda: ask(runs[1], "pause"), monkeypatch)
    for run in (*runs, runs[1]):
        assert train(RunFolder(run)) == 0
    assert adapter_of(runs[0]) == adapter_of(runs[1])
    last = "checkpoints/step-000006"
    for file in ("optimizer.safetensors", "weights.safetensors"):
        if (runs[0] / last / file).exists():
            one, two = (load_file(run / last / file) for run in runs)
            assert one.keys() == two.keys()
            assert all(torch.equal(one[key], two[key]) for key in one), file
    if name == "adamw8bit":
        assert any(key.endswith(".codes") for key in load_file(runs[0] / last / "optimizer.safetensors"))
    learned = load_file(runs[0] / "adapter.safetensors")
    assert any(tensor.abs().max() > 0 for key, tensor in learned.items() if "lora_B" in key)


@pytest.mark.parametrize("name", ["dora", "full", "averaged", "attention"])
def test_the_file_draws_the_engines_image_in_diffusers(base: Path, make_run: MakeRun, name: str) -> None:
    """Load it as anyone would, with `load_lora_weights`, into a fresh pipeline."""
    run = make_run(base, **({"sample_every": 6, "rank": 32} | METHODS[name]))
    assert train(RunFolder(run)) == 0
    described = describe_base(base)
    make_deterministic(0)
    pipe, text = load_image_pipeline(described, CPU), load_text_pipeline(described, CPU)
    family = functions_of(described.family)
    with torch.no_grad():
        words, empty = (family.encode_text(text, prompt, described) for prompt in ("zwx a", ""))

    def draw() -> bytes:
        return png_bytes(
            draw_image(pipe, family, CPU, words, empty, seed=7, width=64, height=64, steps=2, guidance=2.0)
        )

    assert draw() == (run / "samples" / "base-0.png").read_bytes()
    pipe.load_lora_weights(run, weight_name="adapter.safetensors")
    sample = run / "samples" / "step-000006-0.png"
    assert sample.read_bytes() != (run / "samples" / "base-0.png").read_bytes()
    if name == "full":  # there the engine adds the extracted change to the weights, and diffusers lays it beside them
        theirs, ours = (np.asarray(Image.open(image), dtype=int) for image in (io.BytesIO(draw()), sample))
        assert abs(theirs - ours).max() <= 1
    else:
        assert draw() == sample.read_bytes()


def test_extraction_is_exact_at_full_rank_and_best_below() -> None:
    torch.manual_seed(1)
    low = torch.randn(240, 3) @ torch.randn(3, 400) * 0.1
    down, up = extract(low, 8)
    assert (down.shape, up.shape) == ((8, 400), (240, 8))
    assert (up @ down - low).norm() < 0.25 * low.norm()  # clamping at the quantile costs this much
    state = torch.get_rng_state()
    large = torch.randn(1100, 2) @ torch.randn(2, 1200) * 1e-3
    torch.set_rng_state(state)
    down, up = extract(large, 4)
    assert torch.equal(torch.get_rng_state(), state)  # the randomised way leaves the run's draws alone
    assert (up @ down - large).norm() < 0.25 * large.norm()
    down, up = extract(torch.randn(6, 40), 8)  # fewer singular values than the rank
    assert (down.shape, up.shape) == ((8, 40), (6, 8))


def test_a_full_run_keeps_its_weights_and_hands_out_an_adapter(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, method="full", learning_rate=1e-3, rank=8, alpha=3.0, sample_every=0)
    assert train(RunFolder(run)) == 0
    base = load_file(flux2 / "transformer" / "diffusion_pytorch_model.safetensors")
    trained = load_file(run / "checkpoints/step-000006/weights.safetensors")
    adapter = load_file(run / "adapter.safetensors")
    shares = []
    for key, value in trained.items():
        layer = key.removeprefix("trained.transformer.").removesuffix(".weight")
        change = value - base[f"{layer}.weight"]
        names = (f"transformer.{layer}.lora_B.weight", f"transformer.{layer}.lora_A.weight")
        up, down = (adapter[name] for name in names)
        assert down.shape[0] == 8
        shares.append(float((up @ down - change).norm() / change.norm()))
    assert max(shares) < 0.9
    assert adapter.keys() == load_file(run / "checkpoints/step-000006/adapter.safetensors").keys()


def test_averages_lag_behind_and_forget_the_beginning() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    average = Average([parameter], 0.99)
    for step in range(1, 400):
        parameter.data.fill_(1.0)
        average.update(step)
    assert 0.98 < average.values[0].item() <= 1.0
    parameter.data.fill_(5.0)
    with average.in_place():
        assert torch.equal(parameter, average.values[0])
    assert parameter.item() == 5.0


def test_noise_levels_are_the_bases_unless_the_recipe_says_otherwise() -> None:
    own = TimestepSampling(mean=0.3, shift=2.0, dynamic_shift=True)
    assert sampling_of(Recipe(), own) == own
    assert sampling_of(Recipe(timestep_sampling="uniform"), own).kind == "uniform"
    assert sampling_of(Recipe(timestep_sampling="logit_normal"), own).mean == 0.0
    shifted = sampling_of(Recipe(timestep_shift=3.0), own)
    assert (shifted.shift, shifted.dynamic_shift, shifted.mean) == (3.0, False, 0.3)


def test_several_resolutions_never_scale_up(tmp_path: Path) -> None:
    tiny.draw_image(0, (100, 100)).save(tmp_path / "a.png")
    assert [(size, array.shape) for size, array in read_at(tmp_path / "a.png", 64, [96, 128, 80])] == [
        (64, (3, 64, 64)), (96, (3, 96, 96)), (80, (3, 80, 80)),
    ]  # fmt: skip
    tiny.draw_image(0, (64, 64)).save(tmp_path / "b.png")
    assert [size for size, _ in read_at(tmp_path / "b.png", 128, [64])] == [128]  # both come out at 64 pixels


def test_preservation_keeps_the_base_where_the_trigger_word_is_not(flux2: Path, make_run: MakeRun) -> None:
    """With it, captions without the trigger word move less for what is learned with it."""
    from fluxtune.engine.bases import require_base
    from fluxtune.engine.workbench import prepare

    moved = []
    for weight in (0.0, 5.0):
        run = make_run(flux2, steps=30, sample_every=0, checkpoint_every=30, preservation=weight, caption_dropout=0.0)
        assert train(RunFolder(run)) == 0
        folder = RunFolder(run)
        config = folder.read_config()
        config.recipe.preservation = 1.0  # for its captions

        class Silent:
            doing = ""

            def phase(self, phase: str, done: int | None = None, total: int | None = None) -> None:
                pass

            def say(self, level: str, message: str) -> None:
                pass

        bench = prepare(config, folder.read_snapshot(), require_base(flux2), CPU, run, Silent())
        found = json.loads((run / "checkpoints/step-000030/state.json").read_text())
        from fluxtune.engine.flux.checkpoint import Progress

        bench.learner.restore(run / "checkpoints/step-000030", Progress(**found))
        with torch.no_grad():
            batches = [bench.learner.draw_batch() for _ in range(8)]
            moved.append(sum(float(bench.learner.losses_and_drift(batch)[1]) for batch in batches))
    assert moved[1] < 0.5 * moved[0]


@pytest.mark.parametrize(
    ("caption", "plain"),
    [
        ("zwx, a cat", "a cat"),
        ("a zwx cat on a zwx", "a cat on a"),
        ("zwx", ""),
        ("a ZWX, zwx, cat", "a, cat"),
        ("a zwxy cat", "a zwxy cat"),
    ],
)
def test_captions_without_the_trigger_word(caption: str, plain: str) -> None:
    assert without_trigger(caption, "zwx") == plain


@pytest.mark.parametrize("optimizer", ["adamw8bit", "prodigy"])
def test_a_missing_package_is_named(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    monkeypatch.setattr("fluxtune.engine.optimizers.find_spec", lambda name: None)
    run = make_run(flux2, optimizer=optimizer)
    assert train(RunFolder(run)) == 1
    assert "pip install" in of_type(run, "run.failed")[0]["error"]["action"]


def test_prodigy_says_the_rate_it_has_found(flux2: Path, make_run: MakeRun) -> None:
    pytest.importorskip("prodigyopt")
    run = make_run(flux2, steps=80, optimizer="prodigy", learning_rate=1.0, sample_every=0)
    assert train(RunFolder(run)) == 0
    rates = [data["learning_rate"] for data in of_type(run, "run.progressed")]
    assert 0 < rates[0] < 1e-4
    assert rates[-1] > 2 * rates[0]


def test_blocks_are_compiled_only_when_that_is_settled(
    flux2: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU "auto" is off; compiling itself takes minutes and is PyTorch's own."""
    asked = []
    monkeypatch.setattr(
        "diffusers.Flux2Transformer2DModel.compile_repeated_blocks", lambda self, *a, **k: asked.append(True)
    )
    for choice, times in (("auto", 0), ("off", 0), ("on", 1)):
        assert train(RunFolder(make_run(flux2, steps=1, sample_every=0, compile=choice))) == 0
        assert len(asked) == times


def test_preservation_needs_a_trigger_word(flux2: Path, make_run: MakeRun) -> None:
    run = make_run(flux2, preservation=1.0)
    (run / "run.json").write_text((run / "run.json").read_text().replace('"zwx"', '""'))
    assert train(RunFolder(run)) == 1
    assert of_type(run, "run.failed")[0]["error"]["errors"][0]["field"] == "preservation"
