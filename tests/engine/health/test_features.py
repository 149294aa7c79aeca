"""Which judge of likeness is chosen, and that small random models of the true classes judge."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from fluxtune.core.errors import NotReady
from fluxtune.engine.health import features
from fluxtune.engine.health.features import InstalledEmbedder, find_installed
from tests.engine import tiny

T: Any = transformers
VISION = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES = {"image_size": 32, "patch_size": 8}
TEXT = VISION | {"vocab_size": 16, "max_position_embeddings": 8}
PROCESSORS = {
    "dinov2": ("BitImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
    "clip": ("CLIPImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
    "siglip": ("SiglipImageProcessor", {"size": {"height": 32, "width": 32}}),
}


def make_model(folder: Path, kind: str) -> Path:
    torch.manual_seed(0)
    if kind == "dinov2":
        model = T.Dinov2Model(T.Dinov2Config(**VISION, **SIZES))
    elif kind == "clip":
        vision = T.CLIPVisionConfig(**VISION, **SIZES)
        text = T.CLIPTextConfig(**TEXT, eos_token_id=2, bos_token_id=1, pad_token_id=0)
        model = T.CLIPModel(T.CLIPConfig(vision_config=vision.to_dict(), text_config=text.to_dict()))
    else:
        vision, text = T.SiglipVisionConfig(**VISION, **SIZES), T.SiglipTextConfig(**TEXT)
        model = T.SiglipModel(T.SiglipConfig(vision_config=vision.to_dict(), text_config=text.to_dict()))
    model.save_pretrained(folder)
    name, sizes = PROCESSORS[kind]
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": name} | sizes))
    return folder


@pytest.mark.parametrize("kind", PROCESSORS)
def test_models_of_every_kind_judge(kind: str, tmp_path: Path) -> None:
    embedder = InstalledEmbedder(make_model(tmp_path / kind, kind), kind, "cpu")
    tokens = embedder.embed([tiny.draw_image(index) for index in (0, 1, 0)])
    assert tokens.shape == (3, 16, 16)
    assert torch.equal(tokens[0], tokens[2])
    assert not torch.allclose(tokens[0], tokens[1])
    assert embedder.features.source == "installed"


class TestChoice:
    @pytest.fixture(autouse=True)
    def _cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.delenv(features.CHOSEN, raising=False)

    def put(self, tmp_path: Path, name: str, *files: str) -> Path:
        folder = tmp_path / "hub" / name / "snapshots" / "abc"
        folder.mkdir(parents=True)
        for file in files or features.PARTS:
            (folder / file).touch()
        return folder

    def test_nothing_is_installed(self) -> None:
        assert find_installed() is None

    def test_the_best_judge_is_taken(self, tmp_path: Path) -> None:
        self.put(tmp_path, "models--openai--clip-vit-base-patch32")
        best = self.put(tmp_path, "models--facebook--dinov2-small")
        self.put(tmp_path, "models--facebook--dinov2-base", "config.json")
        assert find_installed() == (best, "DINOv2 (dinov2-small)")

    def test_a_chosen_folder_goes_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.put(tmp_path, "models--facebook--dinov2-small")
        chosen = self.put(tmp_path, "mine")
        monkeypatch.setenv(features.CHOSEN, str(chosen))
        assert find_installed() == (chosen, "abc")

    def test_a_chosen_folder_that_is_not_whole_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(features.CHOSEN, str(self.put(tmp_path, "mine", "config.json")))
        with pytest.raises(NotReady, match="lacks"):
            find_installed()
