"""What images are compared by: tokens of CLIP, DINOv2 or SigLIP where one is installed, else of the base itself.

Nothing is fetched: a model counts as installed when it lies in the Hugging Face cache of this computer, or in the
folder that the setting `engine.embeddings` names.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image

from fluxtune.core.errors import NotReady
from fluxtune.engine.health.base_features import BaseEmbedder
from fluxtune.engine.reports import Features

Tokens = torch.Tensor
"""Of several images: (images, tokens, channels), each token of length 1."""

BATCH = 8
CHOSEN = "FLUXTUNE_ENGINE__EMBEDDINGS"
"""The environment variable of that setting; the studio hands it on to its engine."""
PARTS = ("config.json", "preprocessor_config.json", "model.safetensors")
KNOWN = (
    ("facebook/dinov2", "DINOv2"),
    ("google/siglip2", "SigLIP 2"),
    ("google/siglip", "SigLIP"),
    ("openai/clip-vit", "CLIP"),
    ("laion/clip-vit", "CLIP"),
)
"""Beginnings of repository names, the best judge of likeness first: DINOv2 tells instances apart where CLIP tells kinds
(Oquab et al. 2023; DreamBooth reports both, Ruiz et al. 2023)."""


class Embedder(Protocol):
    """Turns images into tokens."""

    features: Features

    def embed(self, images: Sequence[Image.Image]) -> Tokens:
        """Return the tokens of images of one size."""


class InstalledEmbedder:
    """A vision model of transformers, read from a local folder."""

    def __init__(self, folder: Path, name: str, device: str) -> None:
        import transformers

        library: Any = transformers
        self.features = Features(
            name=name,
            source="installed",
            text=f"Images are compared by {name}, found on this computer ({folder.name}).",
        )
        self._device = device
        self._processor = library.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        model = library.AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        self._model = getattr(model, "vision_model", model).to(device).eval()

    def embed(self, images: Sequence[Image.Image]) -> Tokens:
        """Return patch tokens of the last layer; the token that stands for the whole image is left out."""
        found = []
        for start in range(0, len(images), BATCH):
            pixels = self._processor(images=list(images[start : start + BATCH]), return_tensors="pt")["pixel_values"]
            with torch.no_grad():
                tokens = self._model(pixel_values=pixels.to(self._device)).last_hidden_state.float().cpu()
            found.append(tokens[:, tokens.shape[1] - _patch_count(tokens.shape[1]) :])
        return unit(torch.cat(found))


def unit(tokens: torch.Tensor) -> Tokens:
    """Give every token the length 1."""
    return torch.nn.functional.normalize(tokens, dim=-1)


def choose_embedder(pipe: Any, base: Any, device: Any) -> Embedder:
    """Return the best judge there is on this computer."""
    found = find_installed()
    if found is not None:
        return InstalledEmbedder(found[0], found[1], device.name)
    return BaseEmbedder(pipe, base, device)


def find_installed() -> tuple[Path, str] | None:
    """Return the folder and name of an installed vision model, or None. Looks at names only; reads no weight.

    Raises `NotReady` when one is chosen by name and is not whole.
    """
    chosen = os.environ.get(CHOSEN)
    if chosen:
        if not _is_whole(Path(chosen)):
            raise NotReady(
                f"{chosen} lacks one of {', '.join(PARTS)}.",
                title="The model that should compare images can't be used",
                action="Complete the folder, or leave the setting engine.embeddings empty.",
            )
        return Path(chosen), Path(chosen).name
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub")
    for beginning, name in KNOWN:
        for repository in sorted(cache.expanduser().glob(f"models--{beginning.replace('/', '--')}*")):
            for snapshot in sorted(repository.glob("snapshots/*"), reverse=True):
                if _is_whole(snapshot):
                    return snapshot, f"{name} ({repository.name.rpartition('--')[2]})"
    return None


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in PARTS)


def _patch_count(token_count: int) -> int:
    """Patches are a square; what comes before them stands for the whole image (and DINOv2's registers)."""
    return int(token_count**0.5) ** 2
