"""Captions, buckets, bases, recipes and estimates: everything that needs no torch."""

import json
import shutil
import string
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fluxtune.core.errors import InvalidInput, NotReady
from fluxtune.engine.bases import describe_base, find_bases, require_base
from fluxtune.engine.buckets import bucket_for, kept_box
from fluxtune.engine.captions import fill_trigger, has_trigger, with_trigger
from fluxtune.engine.config import Recipe, preserved_count
from fluxtune.engine.data.snapshot import read_pixels
from fluxtune.engine.doctor import check_engine
from fluxtune.engine.recipes import PROMPTS, QUALITIES, prompts_for, reasons_for, recipe_for
from tests.engine import tiny

GIB = 2**30
words = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
texts = st.text(string.ascii_letters + " ,.[]é猫", max_size=60)


@given(texts, words)
def test_a_trained_caption_holds_its_trigger_word_once_added(caption: str, trigger: str) -> None:
    once = with_trigger(caption, trigger)
    assert has_trigger(once, trigger)
    assert with_trigger(once, trigger) == once
    assert "[trigger]" not in once


@given(texts)
def test_without_a_trigger_word_nothing_is_added(caption: str) -> None:
    assert with_trigger(caption, "") == fill_trigger(caption, "")


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a cat", "zwx, a cat"),
        ("", "zwx"),
        ("zwx on a beach", "zwx on a beach"),
        ("a ZWX cat", "a ZWX cat"),
        ("a zwxy cat", "zwx, a zwxy cat"),
        ("a photo of [trigger] at night", "a photo of zwx at night"),
    ],
)
def test_trigger_words(caption: str, expected: str) -> None:
    assert with_trigger(caption, "zwx") == expected


def test_a_placeholder_without_a_word_leaves_no_trace() -> None:
    assert fill_trigger("[trigger] on a beach", "") == "on a beach"
    assert fill_trigger("a house, [trigger]", "") == "a house"


@given(st.integers(1, 6000), st.integers(1, 6000), st.sampled_from([64, 128, 256, 512, 768, 1024]))
def test_buckets(width: int, height: int, resolution: int) -> None:
    columns, rows = bucket_for(width, height, resolution)
    assert columns % 16 == rows % 16 == 0
    assert min(columns, rows) >= 64
    assert columns * rows <= max(64 * 64, min(resolution**2, width * height))
    assert bucket_for(height, width, resolution) == (rows, columns)
    if width == height:
        assert columns == rows


@given(st.floats(0.34, 2.9), st.sampled_from([512, 768, 1024]))
def test_buckets_keep_the_shape(aspect: float, resolution: int) -> None:
    columns, rows = bucket_for(int(4000 * aspect), 4000, resolution)
    assert 0.8 < columns / rows / aspect < 1.25
    assert columns * rows > 0.75 * resolution**2


def test_there_are_few_shapes() -> None:
    shapes = {bucket_for(width, 1000, 1024) for width in range(500, 2000, 9)}
    assert len(shapes) < 30


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (256, 256), (1000, 96), (333, 777), (320, 160)])
def test_what_is_kept_is_what_a_fit_keeps(size: tuple[int, int]) -> None:
    image = Image.effect_noise(size, 80)
    for resolution in (64, 128):
        shape = bucket_for(*size, resolution)
        kept = image.resize(shape, Image.Resampling.LANCZOS, box=kept_box(*size, shape))
        assert kept.tobytes() == ImageOps.fit(image, shape, Image.Resampling.LANCZOS).tobytes()


def test_pixels_are_upright_on_white_and_in_shape(tmp_path: Path) -> None:
    image = Image.new("RGBA", (200, 100), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "a.png", exif=exif)
    pixels = read_pixels(tmp_path / "a.png", 128)
    assert pixels.dtype == np.float32
    assert pixels.shape[1] > pixels.shape[2]
    assert np.allclose(pixels[:, 5, 20], [-1, -1, 1], atol=0.02)
    assert np.allclose(pixels[:, -5, 20], 1, atol=0.02)
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"b\.png"):
        read_pixels(tmp_path / "b.png", 128)


def test_a_base_is_described(flux2: Path) -> None:
    base = describe_base(flux2)
    assert (base.name, base.title, base.family, base.licence) == ("tiny-flux2", "Tiny FLUX.2", "flux2", "CC0-1.0")
    assert base.is_ready
    assert base.is_small
    assert base.max_prompt_tokens == 16
    assert base.train_timestep_sampling.shift == 1.5
    assert base.byte_count > 100_000
    assert require_base(flux2) == base


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("no weights", "has no weights"),
        ("pickle", "pickle"),
        ("no folder", "folder vae is missing"),
        ("no config", "config.json is missing"),
        ("shard", "1 of 2 weight files of transformer are missing"),
    ],
)
def test_what_a_base_lacks_is_said(flux2: Path, tmp_path: Path, damage: str, says: str) -> None:
    path = shutil.copytree(flux2, tmp_path / "base")
    weights = path / "transformer" / "diffusion_pytorch_model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "pickle":
        weights.rename(weights.with_suffix(".bin"))
    elif damage == "no folder":
        shutil.rmtree(path / "vae")
    elif damage == "no config":
        (path / "vae" / "config.json").unlink()
    else:
        index = {"weight_map": {"a": weights.name, "b": "other.safetensors"}}
        (path / "transformer" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    base = describe_base(path)
    assert not base.is_ready
    assert says in (base.missing or "")
    with pytest.raises(NotReady, match=says):
        require_base(path)


def test_other_folders_are_no_bases(flux2: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        describe_base(tmp_path)
    path = shutil.copytree(flux2, tmp_path / "other")
    (path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(InvalidInput, match="StableDiffusionPipeline"):
        describe_base(path)
    shutil.copytree(flux2, tmp_path / "good")
    snapshot = tmp_path / "models--black-forest-labs--FLUX.2-klein-base-4B" / "snapshots" / "abc"
    shutil.copytree(flux2, snapshot)
    assert [base.name for base in find_bases([tmp_path, tmp_path / "nowhere"])] == ["good", "flux2-klein-base-4b"]


def test_wrong_values_in_fluxtune_json_are_named(flux2: Path, tmp_path: Path) -> None:
    path = shutil.copytree(flux2, tmp_path / "base")
    (path / "fluxtune.json").write_text('{"default_steps": "many"}')
    with pytest.raises(InvalidInput, match="fluxtune"):
        describe_base(path)


def test_published_bases_have_their_own_defaults(flux2: Path, flux1: Path, tmp_path: Path) -> None:
    klein, dev = shutil.copytree(flux2, tmp_path / "klein"), shutil.copytree(flux1, tmp_path / "dev")
    (klein / "fluxtune.json").unlink()
    (dev / "fluxtune.json").unlink()
    (klein / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    first, second = describe_base(klein), describe_base(dev)
    assert (first.default_steps, first.default_guidance, first.licence) == (50, 4.0, "apache-2.0")
    assert (second.default_steps, second.default_guidance, second.default_width) == (28, 3.5, 1024)
    assert first.train_timestep_sampling.dynamic_shift


@pytest.mark.parametrize("mode", list(PROMPTS))
@pytest.mark.parametrize("is_small", [True, False])
def test_every_recipe_is_complete(flux2: Path, mode: str, is_small: bool) -> None:
    base = describe_base(flux2).model_copy(update={"is_small": is_small, "default_width": 1024, "default_height": 1024})
    steps = []
    for quality in QUALITIES:
        recipe = recipe_for(mode, quality, base, 10)  # type: ignore[arg-type]
        steps.append(recipe.steps)
        assert recipe.sample_every <= recipe.steps
        assert recipe.checkpoint_every <= recipe.steps
        assert recipe.sample_prompts == PROMPTS[mode]  # type: ignore[index]
    assert steps == sorted(set(steps))
    assert recipe_for(mode, "best", base, 100).steps > recipe_for(mode, "best", base, 10).steps  # type: ignore[arg-type]


@pytest.mark.parametrize("is_small", [True, False])
def test_every_setting_has_a_reason(flux2: Path, is_small: bool) -> None:
    base = describe_base(flux2).model_copy(update={"is_small": is_small, "default_width": 1024, "default_height": 1024})
    for quality in QUALITIES:
        for count in (4, 12, 200):
            reasons = reasons_for("character", quality, base, count)
            assert reasons.keys() == Recipe.model_fields.keys()
            assert all(len(reason) > 10 for reason in reasons.values())
    assert "200 images" in reasons_for("character", "best", base, 200)["steps"]
    assert "200 images" not in reasons_for("character", "draft", base, 200)["steps"]


def test_validation_is_on_and_holds_out_only_where_there_is_enough(flux2: Path) -> None:
    base = describe_base(flux2)
    for quality, count, held_out in (("draft", 30, 0), ("balanced", 7, 0), ("balanced", 8, 1), ("best", 30, 1)):
        recipe = recipe_for("general", quality, base, count)  # type: ignore[arg-type]
        assert recipe.validation_images == held_out
        assert recipe.validate_every == recipe.checkpoint_every
        # four levels of up to four images, forwards only, against steps of four images forwards and backwards
        forwards = 4 * (held_out or 4) * (2 + recipe.steps // recipe.validate_every)
        images = recipe.batch_size + preserved_count(recipe.batch_size)
        assert forwards < 0.03 * 3 * recipe.steps * images


def test_pocket_keeps_the_base_where_a_trigger_word_tells_the_concept_apart(flux2: Path) -> None:
    base = describe_base(flux2)
    recipe = recipe_for("character", "draft", base, 10)
    assert recipe.preservation > 0
    assert recipe.caption_dropout == 0
    assert "leaks" in reasons_for("character", "draft", base, 10)["preservation"]
    without = recipe_for("character", "draft", base, 10, has_trigger=False)
    assert without.preservation == 0
    assert recipe_for("character", "draft", base, 10, {"preservation": 0}) == without


def test_prodigy_gets_its_own_rate_unless_told_otherwise(flux2: Path) -> None:
    base = describe_base(flux2)
    assert recipe_for("general", "draft", base, 9, {"optimizer": "prodigy"}).learning_rate == 1.0
    assert recipe_for("general", "draft", base, 9, {"optimizer": "prodigy", "learning_rate": 0.5}).learning_rate == 0.5


def test_the_users_settings_come_on_top(flux2: Path) -> None:
    base = describe_base(flux2)
    recipe = recipe_for("style", "draft", base, 10, {"steps": 50, "rank": 8, "sample_prompts": ["x"]})
    assert (recipe.steps, recipe.rank, recipe.sample_prompts) == (50, 8, ["x"])
    assert recipe.sample_every <= 50
    assert prompts_for("style", Recipe()) == PROMPTS["style"]
    for field, value in (("steps", 0), ("rank", "many"), ("resolution", 100), ("nonsense", 1)):
        with pytest.raises(InvalidInput) as caught:
            recipe_for("style", "draft", base, 10, {field: value})
        assert caught.value.field == field


def test_nothing_of_this_needs_torch() -> None:
    modules = ["bases", "captions", "config", "doctor", "estimate", "events", "known_bases", "memory", "recipes",
               "reporter", "runfolder", "runtime", "suggestions", "weight_files", "__main__"]  # fmt: skip
    code = "import sys\n" + "".join(f"import fluxtune.engine.{name}\n" for name in modules)
    code += "sys.exit(any(m in sys.modules for m in ('torch', 'diffusers', 'transformers', 'peft', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_engine().is_ready
    monkeypatch.setattr("fluxtune.engine.doctor.find_spec", lambda name: None if name == "peft" else object())
    check = check_engine()
    assert (check.is_ready, check.missing) == (False, ["peft"])
    assert check.command == "pip install 'fluxtune[local]'"


def test_drawings_differ() -> None:
    assert tiny.draw_image(0).tobytes() != tiny.draw_image(1).tobytes()
