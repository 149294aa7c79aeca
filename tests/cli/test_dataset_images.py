"""`fluxtune dataset` on images: find, change, edit, view, export, copy, compare."""

import pytest
from PIL import Image


@pytest.fixture
def dataset(fluxtune, tmp_path):
    """Three captioned images, one of them wide."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, colour in enumerate(("red", "green", "blue")):
        image = Image.new("RGB", (320 if number == 2 else 160, 140), colour)
        image.paste("white", (10 * number, 20, 60 + 30 * number, 90))
        image.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"a {colour} box")
    assert fluxtune("dataset", "create", "Boxes", folder, "--json").code == 0
    return "Boxes"


def test_the_whole_way(fluxtune, dataset, tmp_path):
    assert fluxtune("dataset", "change", dataset, "--where", "red", "--tag", "warm", "--repeats", "2").code == 0
    (warm,) = fluxtune("dataset", "find", dataset, "--tagged", "warm", "--json").json
    assert (warm["caption"], warm["repeats"]) == ("a red box", 2)
    assert "a red box" in fluxtune("dataset", "find", dataset, "--tagged", "warm").out

    wide = fluxtune("dataset", "find", dataset, "--where", "blue", "--json").json[0]["name"]
    edited = fluxtune("dataset", "edit", dataset, "--image", wide, "--aspect", "1:1", "--json").json
    assert (edited[0]["image"]["width"], edited[0]["image"]["height"]) == (140, 140)
    view = fluxtune("dataset", "view", dataset, "--resolution", "128", "--json").json
    assert (view["image_count"], view["seen_per_epoch"]) == (3, 4)
    assert "steps each pass" in fluxtune("dataset", "view", dataset).out

    made = fluxtune("dataset", "export", dataset, "--layout", "kohya", "--out", tmp_path, "--json").json
    back = fluxtune("dataset", "create", "Back", made["file"], "--json").json
    now = [fluxtune("dataset", "snapshots", name, "--json").json["current_hash"] for name in (dataset, "Back")]
    assert now[0] == now[1]
    assert back["refused"] == []

    copy = fluxtune("dataset", "duplicate", dataset, "--json").json
    assert copy["image_count"] == 3
    assert fluxtune("dataset", "change", dataset, "--tagged", "warm", "--remove").code == 0
    assert len(fluxtune("dataset", "find", dataset, "--json").json) == 2
    assert fluxtune("dataset", "change", dataset, "--restore").code == 0
    difference = fluxtune("dataset", "diff", copy["id"], "now", "--json").json
    assert (difference["same_count"], difference["added"]) == (3, [])
    assert "3 images the same" in fluxtune("dataset", "diff", copy["id"], "now").out
    assert fluxtune("dataset", "delete", copy["id"]).code == 0
    assert fluxtune("dataset", "restore", copy["id"]).code == 0


def test_what_makes_no_sense_is_said(fluxtune, dataset):
    for arguments in (
        ["edit", "Boxes"], ["edit", "Boxes", "--aspect", "1:0"], ["edit", "Boxes", "--turn", "45"], ["change", "Boxes"],
        ["find", "Boxes", "--problem", "ugly"],
    ):  # fmt: skip
        result = fluxtune("dataset", *arguments)
        assert result.code != 0
        assert "→" in result.err


def test_more_is_added_and_mended(fluxtune, dataset, tmp_path):
    folder = tmp_path / "images"
    Image.effect_noise((160, 140), 90).save(folder / "3.png")
    Image.effect_noise((40, 40), 90).save(folder / "small.png")
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "3.txt").write_text("noise noise")
    added = fluxtune("dataset", "add", dataset, folder, "--json").json
    assert (added["image_count"], added["added_count"], len(added["duplicates"])) == (5, 2, 3)
    assert [each["name"] for each in added["refused"]] == ["images/broken.png"]
    assert "fix: remove_small" in fluxtune("dataset", "show", dataset).out

    mended = fluxtune("dataset", "fix", dataset, "remove_small", "--json").json
    assert mended["fixes"]["remove_small"]["changed_count"] == 1
    assert len(fluxtune("dataset", "find", dataset, "--json").json) == 4
    assert fluxtune("dataset", "add", dataset, folder / "broken.png").code != 0
    for arguments in (["fix", dataset, "paint_over"], ["add", dataset, tmp_path / "none"], ["add", "nothing", folder]):
        result = fluxtune("dataset", *arguments)
        assert result.code != 0
        assert "→" in result.err
