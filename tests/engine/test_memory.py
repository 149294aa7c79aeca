"""What a recipe needs on a machine, what `auto` becomes there, and what to change when it does not fit."""

from pathlib import Path
from typing import Any

import pytest

from fluxtune.core.errors import InvalidInput, OutOfMemory
from fluxtune.engine.bases import BaseDescription, describe_base
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import ProbeResult, cost_settings, estimate_finetune
from fluxtune.engine.memory import GIB, Machine, generation_plan, require_room, resolve, settled, training_memory
from fluxtune.engine.suggestions import suggestions_for


def gpu(gigabytes: float, **values: Any) -> Machine:
    return Machine("cuda", int(gigabytes * GIB), 16, 500 * GIB, **({"can_quantize": True, "can_fp8": True} | values))


@pytest.fixture
def klein_9b(flux2: Path) -> BaseDescription:
    """FLUX.2 klein base 9B, by its published figures."""
    return describe_base(flux2).model_copy(
        update={
            "title": "klein 9B", "is_small": False, "transformer_parameters": 9.08e9, "text_encoder_parameters": 8.19e9,
            "block_count": 32, "hidden_size": 4096, "max_prompt_tokens": 512, "default_steps": 50,
            "transformer_bytes": 18_160_000_000, "text_encoder_bytes": 16_380_000_000,
        }
    )  # fmt: skip


LARGE = Recipe(steps=1000, resolution=1024, rank=32)


def test_where_everything_fits_nothing_is_saved(klein_9b: BaseDescription) -> None:
    plan = resolve(LARGE, klein_9b, gpu(140))
    assert (plan.gradient_checkpointing, plan.quantization, plan.offload) == (False, "none", False)
    assert plan.fits
    assert plan.compile
    assert plan.precision == "bf16"


def test_less_memory_means_slower_settings_in_order(klein_9b: BaseDescription) -> None:
    seen = []
    for gigabytes in (140, 48, 36, 24, 20, 8):
        plan = resolve(LARGE, klein_9b, gpu(gigabytes))
        seen.append((plan.offload, plan.quantization, plan.gradient_checkpointing))
        assert set(plan.reasons) == {"precision", "gradient_checkpointing", "quantization", "offload", "compile"}
        assert all(plan.reasons.values())
        assert plan.compile == (not plan.offload and plan.quantization == "none")
    assert seen == sorted(seen, key=lambda one: (one[0], one[1] == "int8", one[2]))
    assert (False, "int8", True) in seen
    assert seen[-1][0] is True


def test_a_plan_says_what_it_chose_and_why(klein_9b: BaseDescription) -> None:
    text = str(resolve(LARGE, klein_9b, gpu(20)))
    assert text.startswith("For this device: bf16 (")
    assert "int8 weights (16-bit weights would not fit 20 GB)" in text
    assert "GB of memory" in text


def test_what_the_recipe_says_stays(klein_9b: BaseDescription) -> None:
    recipe = LARGE.model_copy(update={"gradient_checkpointing": "off", "quantization": "fp8", "offload": "none"})
    plan = resolve(recipe, klein_9b, gpu(8))
    assert (plan.gradient_checkpointing, plan.quantization, plan.offload) == (False, "fp8", False)
    assert not plan.fits
    assert plan.reasons["quantization"] == "as the recipe says"


def test_without_torchao_nothing_is_quantised(klein_9b: BaseDescription) -> None:
    plan = resolve(LARGE, klein_9b, gpu(20, can_quantize=False))
    assert plan.quantization == "none"
    assert plan.reasons["quantization"] == "torchao is not installed"


def test_a_settled_recipe_has_nothing_left_to_decide(klein_9b: BaseDescription) -> None:
    plan = resolve(LARGE, klein_9b, gpu(24))
    recipe = settled(LARGE, plan)
    values = recipe.model_dump(include={"precision", "gradient_checkpointing", "quantization", "offload", "compile"})
    assert "auto" not in values.values()
    again = resolve(recipe, klein_9b, gpu(24))
    assert (again.memory_bytes, again.quantization) == (plan.memory_bytes, plan.quantization)


def test_the_published_peaks_lie_in_the_ranges(klein_9b: BaseDescription) -> None:
    """8.9 B without checkpointing 26 GiB, with it 17.7; 9 B in bf16 about 22 GB, in int8 about 14."""
    machine = gpu(140)
    plain = training_memory(LARGE, klein_9b, machine, "bf16", False, "none", False)
    again = training_memory(LARGE, klein_9b, machine, "bf16", True, "none", False)
    small = training_memory(LARGE, klein_9b, machine, "bf16", True, "int8", False)
    assert plain[0] <= 27 * GIB <= plain[1]
    assert again[0] <= 22 * GIB <= again[1] + GIB
    assert small[0] <= 16.5 * GIB
    assert small[1] < again[1] < plain[1]


@pytest.mark.parametrize(("field", "value"), [("quantization", "int8"), ("offload", "blocks")])
def test_a_full_finetune_has_no_frozen_base(klein_9b: BaseDescription, field: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=field) as caught:
        resolve(LARGE.model_copy(update={"method": "full", field: value}), klein_9b, gpu(140))
    assert caught.value.field == field


def test_estimates_grow_with_the_work(flux2: Path) -> None:
    base, machine = describe_base(flux2), Machine("cpu", 8 * GIB, 2, 100 * GIB)
    short, long = (estimate_finetune(Recipe(steps=steps, resolution=64), base, 10, 4, machine) for steps in (100, 1000))
    assert 0 < short.seconds[0] < short.seconds[1] < long.seconds[1]
    assert short.fits
    assert short.warnings == []
    assert 0 < short.memory_bytes[0] < short.memory_bytes[1]
    assert long.disk_bytes > 0


def test_estimates_warn(klein_9b: BaseDescription) -> None:
    estimate = estimate_finetune(Recipe(), klein_9b, 10, 4, Machine("cpu", 4 * GIB, 2, 1000))
    assert not estimate.fits
    assert len(estimate.warnings) == 3
    on_gpu = estimate_finetune(Recipe(), klein_9b, 10, 4, gpu(80))
    assert on_gpu.fits
    assert on_gpu.warnings == []


def probe_of(recipe: Recipe, base: BaseDescription, **values: Any) -> ProbeResult:
    """A probe that found 2 s a step and 20 GB."""
    found = {
        "seconds_per_step": 2.0, "seconds_per_step_spread": 0.05, "peak_memory_bytes": 20 * GIB, "device": "cuda",
        "device_memory_bytes": 24 * GIB, "checkpoint_bytes": 500_000_000, "load_seconds": 20.0,
        "cache_seconds_per_image": 0.5, "seconds_per_sample": 30.0, "base_fingerprint": base.fingerprint,
        "settings": cost_settings(recipe),
    }  # fmt: skip
    return ProbeResult.model_validate(found | values)


def test_a_probe_takes_the_place_of_the_constants(klein_9b: BaseDescription) -> None:
    recipe = LARGE.model_copy(update={"sample_every": 0})
    probe = probe_of(recipe, klein_9b)
    estimate = estimate_finetune(recipe, klein_9b, 20, 0, gpu(24), probe)
    assert estimate.is_measured
    assert 0.85 * 2030 < estimate.seconds[0] < 2030 < estimate.seconds[1] < 1.2 * 2030
    assert estimate.memory_bytes[0] == 20 * GIB
    other = recipe.model_copy(update={"batch_size": 2})
    assert not estimate_finetune(other, klein_9b, 20, 0, gpu(24), probe).is_measured


def test_what_fits_needs_no_suggestion(klein_9b: BaseDescription) -> None:
    assert suggestions_for(LARGE, klein_9b, gpu(80)) == []


def test_each_suggestion_makes_it_fit(klein_9b: BaseDescription) -> None:
    recipe = LARGE.model_copy(
        update={"batch_size": 4, "gradient_checkpointing": "off", "quantization": "none", "offload": "none"}
    )
    suggestions = suggestions_for(recipe, klein_9b, gpu(48))
    assert next(iter(suggestions[0].recipe)) == "gradient_checkpointing"
    assert len(suggestions) >= 2
    for one in suggestions:
        changed = resolve(Recipe.model_validate(recipe.model_dump() | one.recipe), klein_9b, gpu(48))
        assert changed.fits
        assert changed.memory_bytes == one.memory_bytes
        assert " GB then." in one.detail


def test_changes_are_added_up_where_none_is_enough(klein_9b: BaseDescription) -> None:
    recipe = LARGE.model_copy(
        update={"batch_size": 4, "gradient_checkpointing": "off", "quantization": "none", "offload": "none"}
    )
    (one,) = suggestions_for(recipe, klein_9b, gpu(18))
    assert one.recipe["gradient_checkpointing"] == "on"
    assert one.recipe["quantization"] == "int8"
    assert resolve(Recipe.model_validate(recipe.model_dump() | one.recipe), klein_9b, gpu(18)).fits
    assert suggestions_for(recipe, klein_9b, gpu(1)) == []


def test_a_probe_corrects_the_suggestions(klein_9b: BaseDescription) -> None:
    recipe = LARGE.model_copy(update={"quantization": "none", "offload": "none", "gradient_checkpointing": "on"})
    foretold = resolve(recipe, klein_9b, gpu(30)).memory_bytes[1]
    assert suggestions_for(recipe, klein_9b, gpu(30)) == []
    probe = probe_of(recipe, klein_9b, peak_memory_bytes=int(1.5 * foretold))
    corrected = suggestions_for(recipe, klein_9b, gpu(30), probe)
    assert corrected
    assert all(one.memory_bytes[1] <= 30 * GIB for one in corrected)


def test_a_run_without_room_is_refused_before_anything_is_loaded(klein_9b: BaseDescription) -> None:
    processor = Machine("cpu", 16 * GIB, 8, 0)
    plan = resolve(LARGE, klein_9b, processor)
    with pytest.raises(OutOfMemory, match=r"at least 39\.\d GB of memory; 16\.0 GB"):
        require_room(plan, klein_9b, processor)
    require_room(resolve(LARGE, klein_9b, gpu(24)), klein_9b, gpu(24))


def test_drawing_takes_the_room_there_is(klein_9b: BaseDescription) -> None:
    plans = [generation_plan(klein_9b, "cuda", int(gigabytes * GIB)) for gigabytes in (48, 24, 12, 4)]
    assert plans == ["whole", "parts", "blocks", None]
    assert generation_plan(klein_9b, "cpu", 100 * GIB) == "whole"
    assert generation_plan(klein_9b, "cpu", 30 * GIB) is None
