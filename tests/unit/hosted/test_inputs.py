"""Images that hosted generations begin with: checked before anything is paid, and sent as BFL takes them."""

import base64
import io

import pytest
from PIL import Image

from fluxtune.images import keys
from tests.hosting import ask, lines, work
from tests.makers import state_of
from tests.zoo import encode, heic

RED = (250, 10, 20)
FILL = "bfl:flux-pro-1.0-fill"
ERASE = "bfl:flux-tools/erase-v1"


def keep(client, data):
    response = client.post("/api/images", files={"file": ("a", data)})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def picture(size=(80, 60), form="PNG"):
    return encode(Image.new("RGB", size, RED), form)


def mask_of(size=(80, 60)):
    mask = Image.new("RGB", size)
    mask.paste((255, 255, 255), (0, 0, 20, 20))
    return encode(mask, "PNG")


def sent(server, name):
    (task,) = server.tasks.values()
    image = Image.open(io.BytesIO(base64.b64decode(task["body"][name])))
    image.load()
    return image


@pytest.mark.parametrize("form", ["HEIF", "AVIF", "TIFF"])
def test_files_bfl_does_not_take_are_converted(hosted, server, form):
    image = Image.new("RGB", (80, 60), RED)
    kept = keep(hosted, heic(image) if form == "HEIF" else encode(image, form))
    assert work(hosted, ask(hosted, parameters={"input_image": kept}))["state"] == "succeeded"
    assert sent(server, "input_image").format in ("JPEG", "PNG")
    assert sent(server, "input_image").size == (80, 60)


@pytest.mark.parametrize("model_id", [FILL, ERASE])
def test_image_and_mask_reach_bfl(hosted, server, model_id):
    parameters = {"image": keep(hosted, picture()), "mask": keep(hosted, mask_of())}
    generation = ask(hosted, model_id=model_id, parameters=parameters)
    assert work(hosted, generation)["state"] == "succeeded"
    assert sent(server, "image").size == sent(server, "mask").size == (80, 60)
    assert sent(server, "mask").mode == "L"
    assert [sent(server, "mask").getpixel(at) for at in ((5, 5), (70, 50))] == [255, 0]


def test_a_turned_photograph_and_its_mask_are_equally_large(hosted, server):
    image = Image.new("RGB", (80, 60), RED)
    exif = image.getexif()
    exif[0x0112] = 6
    parameters = {
        "image": keep(hosted, encode(image, "JPEG", exif=exif.tobytes())),
        "mask": keep(hosted, mask_of((60, 80))),
    }
    assert work(hosted, ask(hosted, model_id=FILL, parameters=parameters))["state"] == "succeeded"
    assert sent(server, "image").size == sent(server, "mask").size == (60, 80)


def test_a_clear_part_is_a_mask(hosted, server):
    image = Image.new("RGBA", (80, 60), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 20, 20))
    assert work(hosted, ask(hosted, model_id=FILL, parameters={"image": keep(hosted, encode(image, "PNG"))}))
    assert sent(server, "image").getpixel((5, 5))[3] == 0


def refused(client, **body):
    response = client.post("/api/generations", json={"prompt": "a cat", "count": 1} | body)
    assert response.status_code == 422
    problem = response.json()
    assert not lines(client)
    return problem


def test_another_size_of_the_mask_is_refused_before_anything_is_paid(hosted):
    parameters = {"image": keep(hosted, picture()), "mask": keep(hosted, mask_of((60, 80)))}
    problem = refused(hosted, model_id=FILL, parameters=parameters)
    assert "60 × 80" in problem["detail"]
    assert problem["errors"][0]["field"] == "mask"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_fill_without_a_mask_is_refused_before_anything_is_paid(hosted, form):
    problem = refused(hosted, model_id=FILL, parameters={"image": keep(hosted, picture(form=form))})
    assert problem["errors"][0]["field"] == "mask"
    assert "Draw one" in problem["action"]


def test_images_too_small_for_flux_3_are_refused(hosted):
    problem = refused(hosted, model_id="bfl:flux-3-image", parameters={"images": [keep(hosted, picture())]})
    assert "256" in problem["detail"]


def break_inputs(client, monkeypatch, key):
    """Let the stored file of an image be cut short from now on."""
    blobs = state_of(client).blobs
    real = blobs.get
    monkeypatch.setattr(blobs, "get", lambda asked: b"\x89PNG\r\n\x1a\nbroken" if asked == key else real(asked))


def stored_key(client, image_id):
    image = client.get(f"/api/images/{image_id}").json()
    return keys.original_key(image["sha256"], image["format"])


def test_a_file_that_broke_since_says_so_and_nothing_is_paid(hosted, server, monkeypatch):
    kept = keep(hosted, picture())
    generation = ask(hosted, parameters={"input_image": kept})
    break_inputs(hosted, monkeypatch, stored_key(hosted, kept))
    shown = work(hosted, generation)
    assert (shown["state"], shown["error"]["title"]) == ("failed", "The image is damaged")
    assert not server.tasks
    assert [(line["state"], line["cost"]) for line in lines(hosted)] == [("failed", 0.0)]


def test_what_was_sent_is_fetched_even_if_its_input_is_gone(hosted, server, monkeypatch):
    kept = keep(hosted, picture())
    generation = ask(hosted, parameters={"input_image": kept})
    server.faults["poll"].append((403, {"detail": "Not authenticated"}))
    assert work(hosted, generation)["cost"]["owed"] == [0]
    break_inputs(hosted, monkeypatch, stored_key(hosted, kept))
    shown = work(hosted, hosted.post(f"/api/generations/{generation['id']}/retry", json={}).json())
    assert shown["state"] == "succeeded", shown["error"]
    assert len(server.tasks) == 1
