"""Pure parts of the command line and the client."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from fluxtune.cli import exits
from fluxtune.cli.demo import draw_rows, without_trigger
from fluxtune.cli.find import find
from fluxtune.cli.model import file_name
from fluxtune.cli.output import Output, duration, size
from fluxtune.cli.runs import read_settings
from fluxtune.cli.sheet import SheetRow, draw_sheet
from fluxtune.client.uploads import BATCH_FILES, batches, collect_files
from fluxtune.core.errors import Conflict, InvalidInput, NotFound, NotReady, OutOfMemory


@dataclass
class Thing:
    id: str
    name: str


THINGS = [Thing("0123456789ab", "Mug"), Thing("0123460000cd", "Cat"), Thing("9999999999ef", "cat")]


def find_thing(wanted):
    return find(THINGS, wanted, "dataset", name=lambda each: each.name, id_=lambda each: each.id)


class TestFind:
    def test_by_id(self):
        assert find_thing("0123456789ab") is THINGS[0]

    def test_by_name_whatever_the_case(self):
        assert find_thing("MUG") is THINGS[0]

    def test_by_the_beginning_of_an_id(self):
        assert find_thing("999999") is THINGS[2]

    def test_two_with_one_name_are_named_by_id(self):
        with pytest.raises(InvalidInput, match="0123460000cd, 9999999999ef"):
            find_thing("cat")

    def test_a_typo_is_answered_with_a_guess(self):
        with pytest.raises(NotFound, match="Did you mean “Mug”"):
            find_thing("Mugg")


class TestExitCodes:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (InvalidInput(), exits.INVALID),
            (NotReady(), exits.NOT_READY),
            (NotFound(), exits.NOT_FOUND),
            (Conflict(), exits.CONFLICT),
            (OutOfMemory(), exits.FAILED),
        ],
    )
    def test_follow_the_status_of_an_error(self, error, code):
        assert exits.code_of(error.problem().status) == code

    def test_all_are_explained(self):
        codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
        assert codes == set(exits.MEANINGS)


class TestReadSettings:
    def test_values_have_the_type_that_is_meant(self):
        settings = read_settings(["steps=20", "learning-rate=1e-3", "flip=true", "sample_prompts=[a cat, a dog]"])
        assert settings == {"steps": 20, "learning_rate": 0.001, "flip": True, "sample_prompts": ["a cat", "a dog"]}

    @pytest.mark.parametrize("pair", ["steps", "speed=2", "=3", "sample_prompts=[a"])
    def test_what_is_wrong_is_named(self, pair):
        with pytest.raises(InvalidInput, match="--set"):
            read_settings([pair])


@pytest.mark.parametrize(
    ("prompt", "word", "without"),
    [
        ("a zubo creature at the beach", "zubo", "a creature at the beach"),
        ("a picture of a cat, inkpop style", "inkpop", "a picture of a cat"),
        ("zubo, in the snow", "zubo", "in the snow"),
        ("a zubolo on a Zubo", "zubo", "a zubolo on a"),
    ],
)
def test_prompts_without_the_trigger_word_read_on(prompt, word, without):
    assert without_trigger(prompt, word) == without


def test_sizes_and_durations_read_well():
    assert [size(0), size(950), size(1_300), size(24_000_000), size(3.2e9)] == [
        "0 B",
        "950 B",
        "1.3 KB",
        "24 MB",
        "3.2 GB",
    ]
    assert [duration(None), duration(1.24), duration(59.6), duration(61), duration(3_700)] == [
        "–", "1.2 s", "60 s", "1 min 01 s", "1 h 01 min",
    ]  # fmt: skip


def test_file_names_are_plain():
    assert file_name("Zubo: the Cat / 2!") == "zubo-the-cat-2"
    assert file_name("日本") == "untitled"


class TestUploads:
    def test_folders_give_their_files_with_their_path(self, tmp_path):
        folder = tmp_path / "photos"
        (folder / "more").mkdir(parents=True)
        for name in ("b.png", "more/a.jpg", ".DS_Store", "notes.pdf"):
            (folder / name).write_bytes(b"x")
        names = [name for name, _ in collect_files([folder])]
        assert sorted(names) == ["photos/b.png", "photos/more/a.jpg", "photos/notes.pdf"]

    def test_caption_travels_with_its_image(self, tmp_path):
        files = []
        for index in range(BATCH_FILES):
            for suffix in (".png", ".txt"):
                path = tmp_path / f"{index:03d}{suffix}"
                path.write_bytes(b"x")
                files.append((path.name, path))
        grouped = list(batches(reversed(files)))
        assert sum(len(batch) for batch in grouped) == 2 * BATCH_FILES
        for batch in grouped:
            names = [name for name, _ in batch]
            assert all(name.replace(".png", ".txt") in names for name in names)


def test_sheet_shows_every_row(tmp_path: Path):
    red, blue = tmp_path / "red.png", tmp_path / "blue.png"
    Image.new("RGB", (128, 128), (255, 0, 0)).save(red)
    Image.new("RGB", (128, 64), (0, 0, 255)).save(blue)
    target = tmp_path / "out" / "sheet.png"
    rows = [SheetRow("a very long prompt " * 6, red, blue)] * 2
    draw_sheet("Mug", [red] * 30, [("With", rows), ("Without", rows[:1])], target)
    with Image.open(target) as sheet:
        assert {(255, 0, 0), (0, 0, 255)} <= set(sheet.convert("RGB").get_flattened_data())
        assert sheet.width < sheet.height


def test_the_demo_asks_for_all_pictures_before_it_waits_for_one(tmp_path):
    """Between two of them the check of its finetune would take the device."""
    told: list[str] = []

    class Played:
        def start_generation(self, *, model_id, prompt, **_):
            told.append("ask")
            return SimpleNamespace(id=f"{model_id} {prompt}", job_id="j")

        def follow(self, job_id):
            told.append("wait")
            return iter(())

        def get_generation(self, generation_id):
            return SimpleNamespace(slots=[SimpleNamespace(result=SimpleNamespace(image=generation_id))])

        def save_image(self, image, target):
            target.write_text(image)

    client: Any = Played()
    rows = draw_rows(client, "m", ["a zubo", "a"], tmp_path, Output(True))
    assert told == ["ask"] * 4 + ["wait"] * 4
    shown = [(row.prompt, row.base.read_text(), row.finetuned.read_text()) for row in rows]
    assert shown == [("a zubo", "pocket a zubo", "m a zubo"), ("a", "pocket a", "m a")]
