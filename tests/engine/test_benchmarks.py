"""The benchmarks' own arithmetic, on tiny bases: that they measure, not what."""

import argparse
import math
from pathlib import Path

import diffusers
import pytest
import torch

from benchmarks import gpu, train_overheads, train_vs_diffusers
from fluxtune.engine.bases import describe_base

D = gpu.cast_any(diffusers)


def test_the_gpu_benchmark_trains_its_base_and_fills_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.AdamW, "step", torch.optim.AdamW.step)  # put back afterwards

    def train(who: str, shape: gpu.Shape, options: argparse.Namespace, batch: int, base: Path, images: Path) -> object:
        assert who == "fluxtune"
        scratch = tmp_path / f"batch-{batch}"
        scratch.mkdir()
        settings = argparse.Namespace(
            child=who, scratch=scratch, base=base, images=images, steps=options.steps, batch=batch, rank=shape.rank,
            resolution=shape.side, precision=shape.precision, our=options.our,
        )  # fmt: skip
        train_vs_diffusers.run_child(settings)
        return train_vs_diffusers.json.loads((scratch / "measured.json").read_text())

    monkeypatch.setattr(gpu, "train", train)
    options = argparse.Namespace(batches=[1, 2], steps=8, our=[], diffusers_script=None)
    device, ceiling, flops, rows = gpu.measure(gpu.TINY, options, tmp_path)
    assert [(who, batch) for who, batch, *_ in rows] == [("fluxtune", 1), ("fluxtune", 2)]
    for _, batch, seconds, rate, memory, share in rows:
        assert math.isclose(rate, batch / seconds)
        assert math.isclose(share, rate * flops / ceiling)
        assert memory > 0
    lines = gpu.lines_of(gpu.TINY, device, ceiling, flops, rows)
    assert len(lines) == 5
    assert "TFLOP" in lines[0]


def test_flops_are_those_of_the_shape(tmp_path: Path) -> None:
    """Of layers that every token passes, 2 a weight forward and 2 back; attention and modulation come on top."""
    base = gpu.make_base(gpu.TINY, tmp_path / "base")
    described = describe_base(base)
    transformer = D.Flux2Transformer2DModel.from_pretrained(base / "transformer")
    single = sum(p.numel() for p in transformer.single_transformer_blocks.parameters() if p.ndim == 2)
    tokens = (gpu.TINY.side // 16) ** 2 + gpu.TINY.text_tokens
    assert described.pipeline_class == "Flux2KleinPipeline"
    assert 4 * single * tokens < gpu.flops_per_image(base, gpu.TINY) < 12 * single * tokens


def test_klein_has_its_true_size() -> None:
    shape = gpu.KLEIN_4B
    with torch.device("meta"):
        transformer = D.Flux2Transformer2DModel(**gpu.transformer_config(shape))
    assert sum(p.numel() for p in transformer.parameters()) == pytest.approx(3.88e9, rel=0.01)


def test_overheads_are_measured_step_by_step(flux2: Path, tmp_path: Path) -> None:
    images = gpu.make_images(tmp_path / "images", 64)
    found = train_overheads.measure(tmp_path / "run", flux2, images, steps=12, every=4)
    assert len(found["checkpoint"]) == len(found["after a checkpoint"]) == 2
    assert len(found["between"]) == 6  # of steps 4 to 12, without those that save
    assert all(clock > 0 for times in found.values() for clock, _ in times)
    events, stall = train_overheads.ratios(found)
    assert 0 < events < stall
    assert len(train_overheads.table(found)) == 6
