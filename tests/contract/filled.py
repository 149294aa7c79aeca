"""A studio with one of everything in it, on which addresses name things that are there."""

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.backends.local import readiness
from fluxtune.config import load_settings
from fluxtune.generations import service as generations
from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.makers import add_dataset, add_model, fill_gallery, state_of
from tests.places import Places
from tests.zoo import make_base

ENDLESS = {"/api/events", "/api/jobs/{job_id}/events"}
"""Streams, which answer for as long as somebody listens."""
NOT_THERE = "0" * 32


class Filled:
    """The studio: `client` sends, and no answer is an exception; `ids` are what the parameters of paths may be."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self.client = client
        self.broken: list[str] = []
        self.answers: dict[int, int] = {}
        self.ids: dict[str, str] = _fill(client, folder)

    def path_parameters(self, path: str) -> dict[str, str]:
        """Return the parameters of a path template."""
        special: Mapping[str, dict[str, str]] = {
            "/api/samples/": {"name": "zubo"},
            "/api/flags/": {"name": "image-prompts"},
            "/api/images/": {"image_id": self.ids["file_id"]},
        }
        ids = self.ids | next((more for start, more in special.items() if path.startswith(start)), {})
        return {name: ids.get(name, NOT_THERE) for name in re.findall(r"{(\w+)}", path)}

    def send(self, label: str, method: str, url: str, **options: Any) -> None:
        """Send a request, and remember it when the studio breaks down over it."""
        response = self.client.request(method, url, **options)
        self.answers[response.status_code] = self.answers.get(response.status_code, 0) + 1
        if is_breakdown(response.status_code, response.content):
            self.broken.append(
                f"{label} {response.status_code}: {response.text[:200]} after {url} {str(options)[:400]}"
            )

    def require_whole(self) -> None:
        """Fail if anything broke since the last time."""
        broken, self.broken = self.broken, []
        assert not broken, "\n".join(broken)


def is_breakdown(status: int, content: bytes) -> bool:
    """Return whether an answer is a fault of ours; that a part is not installed is said with 503 and what to do."""
    if status != 503:
        return status >= 500
    try:
        told = json.loads(content)
    except ValueError:
        return True
    return not (told.get("action") or told.get("detail"))


def _fill(client: TestClient, folder: Path) -> dict[str, str]:
    state = state_of(client)
    make_base(state.settings.paths.bases)
    dataset = add_dataset(client, 5)
    images = client.get(f"/api/datasets/{dataset['id']}/images").json()
    model = add_model(client, folder)
    (gallery_id,) = fill_gallery(client, {})
    template = client.post("/api/templates", json={"name": "One", "recipe": {"rank": 4}}).json()
    start = {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft"}
    finetune = client.post("/api/finetunes", json=start)
    assert finetune.status_code == 201, finetune.text
    generation = client.post("/api/generations", json={"model_id": "tiny", "prompt": "a cat", "count": 1}).json()
    return {
        "dataset_id": dataset["id"], "dataset_image_id": images[0]["id"], "file_id": images[0]["image"]["id"],
        "image_id": gallery_id, "model_id": model.id, "version_id": model.versions[0].id, "template_id": template["id"],
        "finetune_id": finetune.json()["id"], "job_id": client.get("/api/jobs").json()[0]["id"],
        "generation_id": generation["id"], "token_id": client.get("/api/tokens").json()[0]["id"], "size": "128",
        "mode": "character", "kind": "dataset", "thing_id": dataset["id"], "step": "100",
        "snapshot": "0" * 64, "name": "one", "form": "png",
    }  # fmt: skip


def _nowhere(*_: object, **__: object) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "tests reach nobody")


@contextmanager
def filled_studio(folder: Path, places: Places) -> Iterator[Filled]:
    """Serve such a studio; it finds no other computer, whatever address it is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readiness, "require_engine", lambda: None)
        patch.setattr(generations, "require_engine", lambda: None)
        patch.setattr(socket, "getaddrinfo", _nowhere)
        places.prepare(folder / "data")
        app = create_app(load_settings(folder / "data"), studio_token=STUDIO_TOKEN)
        headers = {"authorization": f"Bearer {STUDIO_TOKEN}"}
        with TestClient(app, base_url=BASE_URL, raise_server_exceptions=False, headers=headers) as client:
            client.headers["x-key"] = client.post("/api/tokens", json={"name": "program"}).json()["token"]
            yield Filled(client, folder)


__all__ = ["ENDLESS", "Filled", "filled_studio", "is_breakdown"]
