"""`fluxtune caption`, against a studio in this process."""

import pytest
from PIL import Image


@pytest.fixture
def dataset(fluxtune, studio, tmp_path):
    """Two captioned images and one without."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        image = Image.new("RGB", (160, 140), colour)
        image.paste("white", (10 * number, 20, 60 + 30 * number, 90))
        image.save(folder / f"{number}.png")
    (folder / "0.txt").write_text("a red box, night")
    (folder / "1.txt").write_text("a green box")
    result = fluxtune("dataset", "create", "Boxes", folder, "--trigger", "boxo", "--json")
    assert result.code == 0, result.out + result.err
    return result.json


def captions(fluxtune):
    return [image["caption"] for image in fluxtune("dataset", "show", "Boxes", "--json").json["images"]]


def test_change_undo_and_look(fluxtune, dataset):
    preview = fluxtune("caption", "replace", "Boxes", "box", "crate", "--dry-run", "--json").json
    assert preview["changed_count"] == 2
    assert captions(fluxtune)[0] == "a red box, night"
    assert fluxtune("caption", "replace", "Boxes", "(red|green) box", r"\1 crate", "--regex").code == 0
    assert fluxtune("caption", "trigger", "Boxes", "--where", "night").code == 0
    assert captions(fluxtune) == ["boxo, a red crate, night", "a green crate", ""]
    assert fluxtune("caption", "undo", "Boxes", "--json").json["changed_count"] == 1
    assert fluxtune("caption", "add", "Boxes", "at noon", "--end", "--image", "boxes/1.png").code == 4
    name = fluxtune("dataset", "show", "Boxes", "--json").json["images"][1]["name"]
    assert fluxtune("caption", "add", "Boxes", "at noon", "--end", "--image", name).code == 0
    assert fluxtune("caption", "tag", "Boxes", "night", "dusk").code == 0
    assert captions(fluxtune) == ["a red crate, dusk", "a green crate, at noon", ""]
    assert [step["state"] for step in fluxtune("caption", "history", "Boxes", "--json").json["steps"]] == [
        "done", "done", "dropped", "done",
    ]  # fmt: skip
    versions = fluxtune("caption", "history", "Boxes", "--image", name, "--json").json
    assert [each["caption"] for each in versions][-1] == "a green box"
    assert "crate" in fluxtune("caption", "words", "Boxes").out


def test_wrong_patterns_and_empty_undo(fluxtune, dataset):
    result = fluxtune("caption", "replace", "Boxes", "(", "--regex")
    assert result.code == 2
    assert "regular expression" in result.err
    assert fluxtune("caption", "undo", "Boxes").code == 5


def test_endpoints_and_prompts(fluxtune, dataset):
    assert fluxtune("caption", "endpoint", "add", "mine", "http://localhost:11434/v1", "qwen2.5vl").code == 0
    assert "mine" in fluxtune("caption", "captioners").out
    assert fluxtune("caption", "endpoint", "remove", "mine").code == 0
    assert fluxtune("caption", "endpoint", "add", "x", "http://10.0.0.1/v1", "m").code == 2
    assert "short" in fluxtune("caption", "prompt", "style", "Say it short.").out
    assert fluxtune("caption", "prompt", "style", "", "--json").json[0]["text"].startswith("Describe")
