"""A folder as people have it: mended by the offered buttons, captioned by keyboard, out as a ZIP and in again."""

import random
import re
import tempfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.e2e.checks import assert_accessible

pytestmark = pytest.mark.e2e

COUNT = 9


def picture(number: int) -> Image.Image:
    """A picture unlike the others, sharp and large enough."""
    draws = random.Random(number)
    image = Image.new("RGB", (320, 320), tuple(draws.randrange(256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        corner = draws.randrange(280), draws.randrange(280)
        far = corner[0] + draws.randrange(10, 160), corner[1] + draws.randrange(10, 160)
        shape = draws.choice([pen.rectangle, pen.ellipse])
        shape([corner, far], fill=tuple(draws.randrange(256) for _ in range(3)))
    return image


@pytest.fixture
def shelf(tmp_path):
    """A folder a browser takes drops from: not one among the devices, where temporary files may be in memory."""
    if not tmp_path.is_relative_to("/dev"):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="fluxtune-test-") as shelf:
        yield Path(shelf)


@pytest.fixture
def folder(shelf):
    """Nine good images, one of them twice, one much too small, two files that are no images; some with captions."""
    folder = shelf / "mixed"
    folder.mkdir()
    for number in range(COUNT):
        picture(number).save(folder / f"{number}.png")
    picture(0).save(folder / "0 copy.png", compress_level=1)
    picture(50).resize((40, 40)).save(folder / "icon.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    (folder / "page.png").write_text("<html>not a picture</html>")
    (folder / "0.txt").write_text("a lumo mug on a table")
    (folder / "1.txt").write_text("a mug on a shelf")
    (folder / "2.txt").write_text("a lumo lumo mug, lumo")
    return folder


def content_hash(server, dataset_id: str) -> str:
    return server.client.get_snapshot(dataset_id).hash


def drop(page: Page, *paths) -> None:
    """Drop files or folders on the page as a file manager does: the browser reads them itself."""
    hand = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}

    def move(kind: str) -> None:
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": 500, "y": 400, "data": data})

    move("dragEnter")
    move("dragOver")
    # What takes them lies over the page all the time, unseen; from now on it takes them.
    cover = page.get_by_text("Drop images, a folder or a ZIP", exact=True).locator("xpath=ancestor::*[@style][1]")
    expect(cover).to_have_css("opacity", "1")
    move("drop")


def test_from_a_mixed_folder_to_the_same_dataset_again(page: Page, server, folder, shelf):
    dataset = server.client.create_dataset(name="Mug", mode="product", trigger_word="lumo")
    page.goto(f"/datasets/{dataset.id}")
    expect(page.get_by_role("button", name="Add images")).to_be_visible()
    drop(page, folder)
    refused = page.get_by_role("alert", name="Files not added")
    expect(refused).to_contain_text("broken.jpg")
    expect(refused).to_contain_text("page.png")
    expect(page.get_by_role("textbox", name=f"Caption of image {COUNT}")).to_be_attached()
    page.get_by_role("button", name="Dismiss").click()

    # Everything the check offers is taken, one button after the other, until nothing is left that has one.
    check = page.get_by_role("region", name="Dataset check")
    for words in ("Keep the best of each", "Remove small images", "Say it once", "Add the trigger word"):
        with page.expect_response(re.compile("/fixes?$")) as fixed:
            check.get_by_role("button", name=words).click()
        assert fixed.value.ok, fixed.value.text()
        expect(check.get_by_role("button", name=words)).to_have_count(0)
    expect(page.get_by_text(f"{COUNT} images", exact=False).first).to_be_visible()
    assert_accessible(page)

    # The rest by keyboard alone, from image to image.
    captions = {image.caption for image in server.client.dataset_images(dataset.id)}
    assert any(caption.count("lumo") == 1 and "shelf" in caption for caption in captions)
    page.get_by_role("textbox", name="Caption of image 1").focus()
    for number in range(1, COUNT + 1):
        field = page.get_by_role("textbox", name=f"Caption of image {number}", exact=True)
        expect(field).to_be_focused()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(f"a lumo mug, place number {number}")
        page.keyboard.press("Enter")
    expect(page.get_by_text(f"{COUNT} images · {COUNT} captioned")).to_be_visible()
    expect(page.get_by_text("Saving…")).to_have_count(0)
    written = [image.caption for image in server.client.dataset_images(dataset.id)]
    assert written == [f"a lumo mug, place number {number}" for number in range(1, COUNT + 1)]

    # Out and in again: the same content, told by the same hash.
    page.get_by_role("button", name="More about this dataset").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="BFL: images and captions, flat").click()
    archive = shelf / "mug.zip"
    download.value.save_as(archive)
    again = server.client.create_dataset(name="Mug again", mode="product", trigger_word="lumo")
    page.goto(f"/datasets/{again.id}")
    expect(page.get_by_role("button", name="Add images")).to_be_visible()
    drop(page, archive)
    expect(page.get_by_text(f"{COUNT} images · {COUNT} captioned")).to_be_visible()
    assert content_hash(server, again.id) == content_hash(server, dataset.id)


def test_all_images_are_cut_at_once_and_put_back(page: Page, server, tmp_path):
    dataset = server.client.create_dataset(name="Shapes", mode="product", trigger_word="lumo")
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        picture(number).resize((480, 320)).save(file)
    assert len(list(server.client.upload_images(dataset.id, files))) >= 1
    untouched = content_hash(server, dataset.id)
    page.goto(f"/datasets/{dataset.id}")
    page.get_by_role("checkbox", name="Select image 1").focus()
    page.keyboard.press("Space")
    chosen = page.get_by_role("region", name="Chosen images")
    chosen.get_by_role("button", name="All 3").click()
    chosen.get_by_role("button", name="Crop and turn").click()
    dialog = page.get_by_role("dialog", name="Crop and turn 3 images")
    dialog.get_by_role("radio", name="Cut to a shape").check()
    assert_accessible(page)
    dialog.get_by_role("button", name="Edit 3 images").click()
    expect(dialog).to_have_count(0)
    assert {(each.image.width, each.image.height) for each in server.client.find_images(dataset.id)} == {(320, 320)}
    assert content_hash(server, dataset.id) != untouched

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Edited")).to_have_count(0)
    assert content_hash(server, dataset.id) == untouched
