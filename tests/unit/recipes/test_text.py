"""Recipe documents: what is written is read again, and everything wrong is named with its line."""

import pytest

from fluxtune.engine.config import Recipe
from fluxtune.recipes.checks import RecipeInvalid, find_contradictions, find_doubts
from fluxtune.recipes.schemas import RecipeDocument
from fluxtune.recipes.text import read_recipe, write_recipe


def problems(text: str) -> dict[str, str]:
    with pytest.raises(RecipeInvalid) as caught:
        read_recipe(text)
    return {error.field: error.message for error in caught.value.problem().errors}


class TestReading:
    def test_there_and_back(self) -> None:
        recipe = Recipe(
            gradient_checkpointing="on", learning_rate=1e-5, sample_prompts=["[trigger]: “ö”", "yes"], alpha=None
        )
        document = RecipeDocument(
            name="Rex", base="tiny", mode="style", quality="best", recipe=recipe.model_dump(mode="json")
        )
        again = read_recipe(write_recipe(document))
        assert again == document
        assert list(again.recipe) == list(Recipe.model_fields)

    def test_little_is_enough(self) -> None:
        document = read_recipe("recipe:\n  steps: 10\n")
        assert (document.recipe, document.base, document.fluxtune) == ({"steps": 10}, None, 1)

    def test_words_and_numbers_as_people_write_them(self) -> None:
        text = "recipe: {gradient_checkpointing: on, compile: off, learning_rate: 1e-4, flip: true, weight_decay: .5}"
        assert read_recipe(text).recipe == {
            "gradient_checkpointing": "on", "compile": "off", "learning_rate": 1e-4, "flip": True, "weight_decay": 0.5,
        }  # fmt: skip

    def test_json_is_yaml(self) -> None:
        assert read_recipe('{"fluxtune": 1, "recipe": {"rank": 8}}').recipe == {"rank": 8}

    def test_all_that_is_wrong_is_named_with_its_line(self) -> None:
        text = (
            "fluxtune: 1\nmode: portrait\nrecipe:\n  steps: 0\n  strange: 1\n  more_resolutions:\n    - 512\n    - 7\n"
        )
        found = problems(text)
        assert set(found) == {"mode", "recipe.steps", "recipe.strange", "recipe.more_resolutions.1"}
        assert found["mode"].startswith("Line 2: Must be 'character'")
        assert found["recipe.steps"].startswith("Line 4: ")
        assert found["recipe.strange"] == "Line 5: There is no such setting."
        assert found["recipe.more_resolutions.1"].startswith("Line 8: ")

    @pytest.mark.parametrize(
        ("text", "field", "words"),
        [
            ("", "document", "empty"),
            ("- a\n- b", "document", "Line 1"),
            ("just words", "document", "Line 1"),
            ("a: [1", "document", "Line 1"),
            ("recipe:\n  steps: 1\n  steps: 2\n", "recipe.steps", "Line 3: given twice"),
            ("fluxtune: 2", "fluxtune", "Line 1"),
            ("recipe: 7", "recipe", "Line 1"),
            ("nonsense: 7", "nonsense", "no such field"),
            ("a: &x [1]\nb: *x", "document", "Line 2: references"),
            ("x: !!python/object/apply:os.system ['true']", "document", "Line 1"),
            ("a: " + "[" * 5000, "document", "Line 1: nested too deeply"),
            ("a: \x01", "document", "not YAML"),
            ("recipe: {steps: " + "9" * 5000 + "}", "document", "can't be read"),
            ("? [a]\n: 1\n", "document", ""),
        ],
    )
    def test_broken(self, text: str, field: str, words: str) -> None:
        found = problems(text)
        assert field in found, found
        assert words in found[field]

    def test_references_to_references_are_not_followed(self) -> None:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
        lines += [
            f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        ]
        assert "references" in problems("\n".join(lines))["document"]


class TestContradictions:
    @pytest.mark.parametrize(
        ("settings", "field"),
        [
            ({"validation_images": 6, "validate_every": 10}, "validation_images"),
            ({"validation_images": 7, "validate_every": 10}, "validation_images"),
            ({"validation_images": 2}, "validate_every"),
            ({"warmup_steps": 300}, "warmup_steps"),
            ({"method": "full", "quantization": "int8"}, "quantization"),
            ({"method": "full", "offload": "blocks"}, "offload"),
            ({"method": "full", "dropout": 0.1}, "dropout"),
            ({"more_resolutions": [512]}, "more_resolutions"),
            ({"more_resolutions": [768, 768]}, "more_resolutions"),
        ],
    )
    def test_each_is_named_at_its_field(self, settings: dict[str, object], field: str) -> None:
        found = find_contradictions(Recipe.model_validate(settings), 6)
        assert [problem.field for problem in found] == [f"recipe.{field}"]
        assert "{" not in found[0].message

    @pytest.mark.parametrize(
        "settings",
        [
            {}, {"validation_images": 5, "validate_every": 10}, {"steps": 1, "warmup_steps": 1},
            {"more_resolutions": [256, 768]}, {"method": "full"}, {"steps": 10, "sample_every": 100},
        ],
    )  # fmt: skip
    def test_what_is_possible_is_left_alone(self, settings: dict[str, object]) -> None:
        assert find_contradictions(Recipe.model_validate({"warmup_steps": 0} | settings), 6) == []

    @pytest.mark.parametrize(
        ("settings", "word"),
        [
            ({"optimizer": "prodigy"}, "Prodigy"),
            ({"learning_rate": 1.0}, "Prodigy"),
            ({"sample_every": 400}, "Samples"),
            ({"validate_every": 400}, "validation"),
            ({"checkpoint_every": 400}, "saved at its end"),
            ({"caption_dropout": 0.9}, "trigger"),
        ],
    )
    def test_what_is_probably_not_meant_is_said(self, settings: dict[str, object], word: str) -> None:
        (doubt,) = find_doubts(Recipe.model_validate(settings))
        assert word in doubt

    def test_prodigy_with_its_own_rate_is_no_doubt(self) -> None:
        assert find_doubts(Recipe(optimizer="prodigy", learning_rate=1.0)) == []
