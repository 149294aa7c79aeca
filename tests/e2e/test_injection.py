"""Texts that would like to be programs, in every place that shows texts: they are shown, and nothing runs."""

import html

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, expect

from fluxtune.client import Client
from fluxtune.config import load_settings
from fluxtune.db import Database
from fluxtune.models.service import ModelService, NewModel, store_adapter
from fluxtune.storage import Blobs
from tests.e2e.conftest import Server, Watch
from tests.makers import add_gallery_image
from tests.zoo import encode

pytestmark = pytest.mark.e2e

EVIL = "<img src=x onerror=window.ran=1>"
TEXTS = (
    EVIL,
    '"><script>window.ran=1</script>',
    "'-window.ran=1-'",
    "javascript:window.ran=1",
    "</title><svg onload=window.ran=1>",
)
ALL = " ".join(TEXTS)


def hostile_picture() -> bytes:
    """Return an image whose metadata are a page, and which is followed by one."""
    told = PngImagePlugin.PngInfo()
    for name in ("Title", "Description", "parameters"):
        told.add_text(name, ALL)
    page = "<html><script>window.ran=1</script></html>"
    return encode(Image.effect_noise((192, 160), 60).convert("RGB"), "PNG", pnginfo=told) + page.encode()


@pytest.fixture
def addresses(server: Server, tmp_path) -> list[str]:
    """Put hostile texts into a dataset, its images, a model, the gallery, a template; return where they are shown."""
    api = server.client
    dataset = _sent(api, "POST", "/api/datasets", {"name": EVIL, "mode": "character", "trigger_word": EVIL})
    path = f"/api/datasets/{dataset['id']}"
    files = [("files", (f"{EVIL}.png", hostile_picture())), ("files", (f"{EVIL}.txt", ALL.encode()))]
    assert api.send("POST", f"{path}/images", files=files).status_code == 200
    (image,) = api.send("GET", f"{path}/images").json()
    _sent(api, "PATCH", f"{path}/images", {"ids": [image["id"]], "add_tags": [EVIL], "notes": ALL, "source": TEXTS[3]})
    _sent(api, "POST", "/api/templates", {"name": EVIL, "recipe": {}})
    settings = load_settings(server.data)
    database, blobs = (
        Database.at(settings.paths.database, settings.database_url),
        Blobs.at(settings.paths.blobs, settings.storage_url),
    )
    adapter = tmp_path / "adapter.safetensors"
    adapter.write_bytes(b"weights of an adapter")
    with database.transaction() as session:
        add_gallery_image(session, blobs, prompt=ALL, model_name=EVIL)
        facts = NewModel(
            finetune_id="0" * 32, dataset_id=dataset["id"], name=EVIL, base="pocket", mode="character", prompts=[ALL],
            trigger_word=EVIL, description=ALL, cover_image_id=None, step=1,
        )  # fmt: skip
        model = ModelService(session, blobs, settings).create_model(facts, store_adapter(settings.paths, adapter))
    database.close()
    return [
        "/datasets", f"/datasets/{dataset['id']}", f"/finetunes/new?dataset={dataset['id']}", "/models",
        f"/models/{model.id}", f"/create?model={model.id}", "/gallery",
    ]  # fmt: skip


def _sent(api: Client, method: str, path: str, body: dict) -> dict:
    response = api.send(method, path, json=body)
    assert response.status_code < 300, response.text
    return response.json()


def test_nothing_of_it_runs(page: Page, server: Server, watch: Watch, addresses: list[str]):
    watch.allowed += ["/api/finetunes/0000", "favicon.ico"]  # the model's finetune is made up; images have no icon
    page.on("dialog", lambda dialog: watch.note(f"dialog: {dialog.message}"))
    shown = []
    for place in addresses:
        page.goto(place)
        expect(page.get_by_role("main")).to_be_visible()
        page.wait_for_load_state("networkidle")
        if html.escape(EVIL, quote=False) in page.content() or EVIL in page.title() or _typed(page):
            shown.append(place)
        assert page.evaluate("window.ran") is None, place
        assert page.locator("img[src=x], main script, svg[onload]").count() == 0, place
        assert page.locator("a[href^='javascript:' i]").count() == 0, place
    assert len(shown) >= 5, f"Only here the texts were seen at all: {shown}"

    # The file itself, opened as a page of its own, is an image and nothing else.
    (dataset,) = server.client.datasets()
    (image,) = server.client.send("GET", f"/api/datasets/{dataset.id}/images").json()
    answer = page.goto(image["image"]["url"])
    assert answer is not None
    assert answer.headers["content-type"] == "image/png"
    assert page.evaluate("window.ran") is None

    # And were there a hole, the browser would not run what comes through it: it has been told not to.
    page.goto("/")
    watch.allowed.append("Content Security Policy")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran=1'}))"
    )
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=window.ran=1>')")
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran") is None


def _typed(page: Page) -> bool:
    return any(EVIL in each.input_value() for each in page.locator("textarea, input[type=text]").all())
