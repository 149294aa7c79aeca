import json
from pathlib import Path

import numpy as np
import pytest

from tools.pocket import world
from tools.pocket.canvas import CELLS, PART, PARTS, Canvas
from tools.pocket.concepts import CONCEPTS, draw_concept
from tools.pocket.doodles import doodle

SAMPLES = Path(__file__).parents[4] / "src/fluxtune/datasets/samples"


def test_same_seed_draws_the_same_picture() -> None:
    scene = world.Scene("cat", "blue", "striped", "beach")
    first, first_map = world.render(scene, np.random.default_rng(3))
    again, again_map = world.render(scene, np.random.default_rng(3))
    assert np.array_equal(first, again)
    assert np.array_equal(first_map, again_map)


@pytest.mark.parametrize("subject", list(world.SUBJECTS))
def test_every_subject_shows_its_colour_and_parts(subject: str) -> None:
    scene = world.Scene(subject, "teal", "plain", "studio")
    picture, parts = world.render(scene, np.random.default_rng(0))
    near = np.abs(picture.astype(int) - np.array(world.COLOURS["teal"])).max(-1) < 6
    assert picture.shape == (world.SIZE, world.SIZE, 3)
    assert near.mean() > 0.04
    assert parts.shape == (CELLS, CELLS)
    assert parts.max() < len(PARTS)
    assert (parts == PART["body"]).any()


def test_scenes_survive_numbering() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        scene = world.random_scene(rng)
        assert world.Scene.from_numbers(scene.numbers()) == scene


def test_held_out_combinations_are_never_drawn_for_training() -> None:
    rng = np.random.default_rng(2)
    assert not any(world.random_scene(rng).held_out for _ in range(300))
    assert all(world.random_scene(rng, held_out=True).held_out for _ in range(5))


def test_about_one_combination_in_twelve_is_held_out() -> None:
    scenes = [
        world.Scene(subject, colour, pattern, place)
        for subject in world.SUBJECTS
        for colour in world.COLOURS
        for pattern in world.PATTERNS
        for place in world.PLACES
    ]
    share = sum(scene.held_out for scene in scenes) / len(scenes)
    assert 0.06 < share < 0.11


def test_plain_caption_tells_everything() -> None:
    assert world.plain_caption(world.Scene("owl", "orange", "dotted", "snow")) == "an orange dotted owl in the snow"


def test_captions_name_the_word_they_were_given() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        text, word = world.random_caption(world.random_scene(rng), rng)
        assert text == text.strip()
        assert "  " not in text
        assert word is None or word in text.split()


def test_nonsense_is_no_word_of_the_world() -> None:
    rng = np.random.default_rng(5)
    known = {name for values in world.ATTRIBUTES.values() for name in values}
    words = {world.nonsense(rng) for _ in range(500)}
    assert not words & known
    assert len(words) > 400


def test_small_things_win_their_cell_of_the_part_map() -> None:
    canvas = Canvas()
    canvas.ellipse(20, 20, 3, 3, (0, 0, 0), "pupil")
    assert (canvas.part_map() == PART["pupil"]).any()


def test_doodles_are_pictures() -> None:
    picture = doodle(np.random.default_rng(6))
    assert picture.shape == (world.SIZE, world.SIZE, 3)
    assert picture.std() > 3


@pytest.mark.parametrize("name", list(CONCEPTS))
def test_shipped_samples_are_what_the_script_draws(name: str) -> None:
    about = json.loads((SAMPLES / name / "sample.json").read_text())
    trigger = about["trigger_word"]
    assert len(about["prompts"]) == 4
    assert all(trigger in prompt for prompt in about["prompts"])
    for index, (_, text) in enumerate(draw_concept(name), start=1):
        assert (SAMPLES / name / f"{index:02}.png").is_file()
        assert (SAMPLES / name / f"{index:02}.txt").read_text().strip() == text
        assert trigger in text.replace(",", " ").split()


def test_test_scenes_are_held_out_and_all_different() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from tools.pocket.measure import test_scenes as choose

    scenes = choose(96)
    assert len(set(scenes)) == 96
    assert all(scene.held_out for scene in scenes)
