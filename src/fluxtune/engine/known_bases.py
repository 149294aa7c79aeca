"""The published FLUX models as data: what each is, how large, under which licence, and the command that gets it.

Nothing here asks the network. Sizes are the folders in the diffusers layout at 16 bits: parameters counted from the
published configurations, times two bytes. Licences are named as the model pages name them; read the text itself
before you sell anything.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["flux1", "flux2", "flux3"]
Training = Literal["yes", "discouraged", "no"]


@dataclass(frozen=True)
class KnownBase:
    """One published model. `parameters`: of the transformer, of its text encoders."""

    name: str
    title: str
    repository: str
    family: Family
    licence: str
    is_free_commercially: bool
    is_gated: bool
    transformer_parameters: float
    text_encoder_parameters: float
    block_count: int
    hidden_size: int
    training: Training
    train_on: str | None
    """The sibling to train on instead, where this one is distilled."""
    description: str
    max_prompt_tokens: int = 512
    is_small: bool = False

    @property
    def url(self) -> str:
        """The model's page, where a licence is accepted."""
        return f"https://huggingface.co/{self.repository}"

    @property
    def transformer_bytes(self) -> int:
        """The transformer at 16 bits."""
        return int(2 * self.transformer_parameters)

    @property
    def text_encoder_bytes(self) -> int:
        """The text encoders at 16 bits."""
        return int(2 * self.text_encoder_parameters)

    @property
    def size_bytes(self) -> int:
        """What the download takes on disk, with the VAE."""
        return self.transformer_bytes + self.text_encoder_bytes + VAE_BYTES

    def command(self, folder: Path) -> str:
        """Return the command that downloads it into a bases folder. The same weights as one file are left out."""
        target = shlex.quote(str(folder / self.name))
        return f"hf download {self.repository} --local-dir {target} --exclude 'flux*.safetensors' 'ae.safetensors'"

    def how_to_get(self, folder: Path) -> str:
        """Say in one sentence how to get it, with what a gated model asks first."""
        steps = []
        if self.is_gated:
            steps.append(f"accept its licence on {self.url}")
            if not has_token():
                steps.append("run `hf auth login`")
        steps.append(f"run: {self.command(folder)}")
        text = ", then ".join(steps)
        return text[0].upper() + text[1:]


VAE_BYTES = 340_000_000
APACHE = "Apache-2.0"
FLUX2_NC = "FLUX Non-Commercial License"
KOMMUNITY = "FLUX Kommunity License"

KNOWN: tuple[KnownBase, ...] = (
    KnownBase(
        "flux2-klein-base-4b", "FLUX.2 klein base 4B", "black-forest-labs/FLUX.2-klein-base-4B", "flux2", APACHE,
        True, False, 3.88e9, 4.02e9, 25, 3072, "yes", None,
        "The one to start with on a GPU: small, quick, and free for commercial finetunes.",
    ),
    KnownBase(
        "flux2-klein-4b", "FLUX.2 klein 4B", "black-forest-labs/FLUX.2-klein-4B", "flux2", APACHE,
        True, False, 3.88e9, 4.02e9, 25, 3072, "discouraged", "flux2-klein-base-4b",
        "Distilled to four steps: draws in a second or two, with adapters trained on its base.",
    ),
    KnownBase(
        "flux2-klein-base-9b", "FLUX.2 klein base 9B", "black-forest-labs/FLUX.2-klein-base-9B", "flux2", FLUX2_NC,
        False, True, 9.08e9, 8.19e9, 32, 4096, "yes", None,
        "Better pictures than 4B at about twice the time and memory.",
    ),
    KnownBase(
        "flux2-klein-9b", "FLUX.2 klein 9B", "black-forest-labs/FLUX.2-klein-9B", "flux2", FLUX2_NC,
        False, True, 9.08e9, 8.19e9, 32, 4096, "discouraged", "flux2-klein-base-9b",
        "Distilled to four steps; for generating with adapters trained on its base.",
    ),
    KnownBase(
        "flux2-dev", "FLUX.2 dev", "black-forest-labs/FLUX.2-dev", "flux2", FLUX2_NC,
        False, True, 32.22e9, 24.01e9, 56, 6144, "yes", None,
        "The largest open FLUX: for GPUs with 80 GB and more, or 8-bit weights and patience.",
    ),
    KnownBase(
        "flux-3-image-klein-base", "FLUX.3 klein base", "black-forest-labs/flux-3-image-klein-base", "flux3", KOMMUNITY,
        False, True, 5.54e9, 4.44e9, 33, 3072, "yes", None,
        "The newest: long, detailed prompts suit it best.",
    ),
    KnownBase(
        "flux-3-image-klein", "FLUX.3 klein", "black-forest-labs/flux-3-image-klein", "flux3", KOMMUNITY,
        False, True, 5.54e9, 4.44e9, 33, 3072, "no", "flux-3-image-klein-base",
        "Distilled to sixteen steps without guidance; for generating with adapters trained on its base.",
    ),
    KnownBase(
        "flux1-dev", "FLUX.1 dev", "black-forest-labs/FLUX.1-dev", "flux1", "FLUX.1 [dev] Non-Commercial License",
        False, True, 11.90e9, 4.89e9, 57, 3072, "yes", None,
        "The base most published adapters were made for.",
    ),
    KnownBase(
        "flux1-schnell", "FLUX.1 schnell", "black-forest-labs/FLUX.1-schnell", "flux1", APACHE,
        True, True, 11.89e9, 4.89e9, 57, 3072, "discouraged", "flux1-dev",
        "Distilled to four steps; for generating.",
    ),
)  # fmt: skip

DEFAULT_ON_GPU = "flux2-klein-base-4b"


def known_base(name: str) -> KnownBase | None:
    """Return the published model of a name; names are those of its repository, small and without dots."""
    return next((known for known in KNOWN if known.name == name), None)


def has_token() -> bool:
    """Has somebody signed in to Hugging Face on this computer? Looks whether there is a token, never into it."""
    if os.environ.get("HF_TOKEN"):
        return True
    own = os.environ.get("HF_TOKEN_PATH")
    return (Path(own).expanduser() if own else _hub_home() / "token").is_file()


def name_in_cache(snapshot: Path) -> str | None:
    """Return the name of the model a folder of the Hugging Face cache is a snapshot of, or None for other folders."""
    owner = snapshot.parent.parent.name
    if snapshot.parent.name != "snapshots" or not owner.startswith("models--"):
        return None
    return owner.rpartition("--")[2].lower().replace(".", "")


def hub_cache() -> Path:
    """Return the folder where `hf` keeps downloads that were given no folder (its own rules, from the environment)."""
    own = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(own).expanduser() if own else _hub_home() / "hub"


def _hub_home() -> Path:
    home = os.environ.get("HF_HOME")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return Path(home).expanduser() if home else cache / "huggingface"


def in_hub_cache(known: KnownBase) -> Path | None:
    """Return the newest snapshot of a published model in the Hugging Face cache, or None."""
    folder = hub_cache() / ("models--" + known.repository.replace("/", "--")) / "snapshots"
    snapshots = [path for path in folder.glob("*") if path.is_dir()] if folder.is_dir() else []
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)
