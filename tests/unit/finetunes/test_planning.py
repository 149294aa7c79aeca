"""Recipes and estimates before anything starts."""

import pytest

from fluxtune.engine.bases import describe_base
from fluxtune.engine.config import Recipe
from fluxtune.engine.estimate import Machine
from fluxtune.finetunes.planning import Choices, MeasuredRun, choose_recipe, learn_from
from fluxtune.recipes.checks import RecipeInvalid, require_valid
from tests.zoo import make_base

CPU = Machine(device="cpu", memory_bytes=8 * 2**30, core_count=4, free_disk_bytes=100 * 2**30)


@pytest.fixture
def base(tmp_path):
    """A small base."""
    return describe_base(make_base(tmp_path))


def choices(base, **more):
    values = {
        "mode": "character", "quality": "balanced", "base": base, "trigger_word": "rexo", "image_count": 6,
        "overrides": {}, "prompts": [],
    }  # fmt: skip
    return Choices(**(values | more))


def measured(recipe, **more):
    values = {
        "recipe": recipe, "device": "cpu", "seconds": 110.0, "seconds_per_step": 1.0, "peak_memory_bytes": 10**9,
        "steps_done": 100,
    }  # fmt: skip
    return MeasuredRun(**(values | more))


class TestRecipe:
    def test_choices_alone_change_nothing(self, base):
        _, changed = choose_recipe(choices(base))
        assert changed == []

    def test_own_prompts_of_a_sample_are_no_change(self, base):
        recipe, changed = choose_recipe(choices(base, prompts=["a [trigger]"]))
        assert (recipe.sample_prompts, changed) == (["a [trigger]"], [])

    def test_settings_win_over_the_samples_prompts(self, base):
        overrides = {"sample_prompts": ["mine"], "rank": 3}
        recipe, changed = choose_recipe(choices(base, prompts=["a [trigger]"], overrides=overrides))
        assert (recipe.sample_prompts, recipe.rank) == (["mine"], 3)
        assert changed == ["rank", "sample_prompts"]

    def test_preservation_needs_a_trigger_word(self, base):
        with pytest.raises(RecipeInvalid) as caught:
            choose_recipe(choices(base, trigger_word="", overrides={"preservation": 1.0}))
        assert [error.field for error in caught.value.problems] == ["recipe.preservation"]
        assert choose_recipe(choices(base, overrides={"preservation": 1.0}))[0].preservation == 1.0

    def test_all_that_is_wrong_is_said_at_once(self):
        with pytest.raises(RecipeInvalid) as caught:
            require_valid({"rank": 0, "batch_size": "x", "nope": 1})
        problem = caught.value.problem()
        assert problem.status == 422
        assert sorted(error.field for error in problem.errors) == ["recipe.batch_size", "recipe.nope", "recipe.rank"]


class TestLearning:
    general = ((10.0, 1000.0), (1e9, 9e9))

    def test_without_runs_the_general_ranges_stay(self):
        seconds, memory = learn_from(*self.general, Recipe(), CPU, [])
        assert (seconds.low, seconds.high, memory.low) == (10, 1000, 1e9)

    def test_the_same_settings_give_a_narrow_range(self):
        recipe = Recipe(steps=100)
        seconds, memory = learn_from(*self.general, recipe, CPU, [measured(recipe)])
        assert seconds.low < 110 < seconds.high < 1.3 * seconds.low * 1.2
        assert memory.low < 1e9 < memory.high

    def test_more_steps_take_longer_in_proportion(self):
        seconds, _ = learn_from(*self.general, Recipe(steps=200), CPU, [measured(Recipe(steps=100))])
        assert seconds.low < 210 < seconds.high

    def test_larger_images_take_longer_and_leave_memory_open(self):
        recipe = Recipe(steps=100, resolution=1024)
        seconds, memory = learn_from(*self.general, recipe, CPU, [measured(Recipe(steps=100, resolution=512))])
        assert seconds.low < 410 < seconds.high
        assert memory.high == 9e9

    def test_runs_on_another_device_say_nothing(self):
        seconds, _ = learn_from(*self.general, Recipe(), CPU, [measured(Recipe(), device="cuda:0")])
        assert seconds.high == 1000

    def test_one_slow_run_does_not_decide(self):
        recipe = Recipe(steps=100)
        runs = [measured(recipe), measured(recipe, seconds=9000.0, seconds_per_step=89.0), measured(recipe)]
        seconds, _ = learn_from(*self.general, recipe, CPU, runs)
        assert seconds.high < 200
