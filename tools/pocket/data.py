"""Render scenes, encode them, and keep the latents in shards.

A shard holds latents, part maps and scenes, not captions: the same picture is told anew each
time it is used. Shards are added by a process of its own while the base trains.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline
from torch import Tensor

from tools.pocket import world
from tools.pocket.common import Log, batch_of
from tools.pocket.vae import build

SHARD = 1024


def frozen_codec(work: Path, stage: str = "encoder") -> AutoencoderKLFlux2:
    """The codec as trained so far, with its latent statistics measured once and kept."""
    vae = build()
    vae.load_state_dict(torch.load(work / f"vae-{stage}.pt", weights_only=True)["vae"])
    vae.requires_grad_(False).eval()
    path = work / "vae-statistics.pt"
    if not path.exists():
        rng = np.random.default_rng(21)
        packed = []
        with torch.no_grad():
            for _ in range(24):
                pictures = [world.render(world.random_scene(rng), rng)[0] for _ in range(32)]
                z = vae.encode(batch_of(pictures)).latent_dist.mode()
                packed.append(Flux2KleinPipeline._patchify_latents(z))
        values = torch.cat(packed).transpose(0, 1).flatten(1)
        # Channels the codec leaves unused must not be blown up to unit variance.
        torch.save({"mean": values.mean(1), "var": values.var(1).clamp_min(0.05)}, path)
    statistics = torch.load(path, weights_only=True)
    vae.bn.running_mean.copy_(statistics["mean"])
    vae.bn.running_var.copy_(statistics["var"])
    return vae


def encode(vae: AutoencoderKLFlux2, pictures: Tensor) -> Tensor:
    """Pictures to normalised packed latents `(batch, tokens, channels)`, as the pipeline has them."""
    with torch.no_grad():
        z = Flux2KleinPipeline._patchify_latents(vae.encode(pictures).latent_dist.mode())
        std = (vae.bn.running_var + vae.config.batch_norm_eps).sqrt()
        z = (z - vae.bn.running_mean[:, None, None]) / std[:, None, None]
        return Flux2KleinPipeline._pack_latents(z)


def decode(vae: AutoencoderKLFlux2, tokens: Tensor, side: int = 8) -> Tensor:
    """The reverse of `encode`, for square pictures."""
    with torch.no_grad():
        z = tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
        std = (vae.bn.running_var + vae.config.batch_norm_eps).sqrt()
        z = z * std[:, None, None] + vae.bn.running_mean[:, None, None]
        return vae.decode(Flux2KleinPipeline._unpatchify_latents(z)).sample


def write_shard(vae: AutoencoderKLFlux2, folder: Path, number: int, held_out: bool = False) -> None:
    """Make one shard; its number is its seed."""
    rng = np.random.default_rng(1000 + number)
    latents, maps, scenes = [], [], []
    for _ in range(SHARD // 32):
        pictures = []
        for _ in range(32):
            scene = world.random_scene(rng, held_out)
            picture, part_map = world.render(scene, rng)
            pictures.append(picture)
            maps.append(part_map)
            scenes.append(scene.numbers())
        latents.append(encode(vae, batch_of(pictures)).half().numpy())
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".new-{number:04}.npz"
    np.savez(new, latents=np.concatenate(latents), maps=np.stack(maps).astype(np.uint8),
             scenes=np.asarray(scenes, np.uint8))  # fmt: skip
    os.replace(new, folder / f"{'held' if held_out else 'shard'}-{number:04}.npz")


class Shards:
    """All shards there are; more may appear while it is in use."""

    def __init__(self, folder: Path, kind: str = "shard") -> None:
        self.folder, self.kind = folder, kind
        self._read: dict[str, dict[str, np.ndarray]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take in new shards."""
        for path in sorted(self.folder.glob(f"{self.kind}-*.npz")):
            if path.name not in self._read:
                with np.load(path) as file:
                    self._read[path.name] = {key: file[key] for key in file.files}
        self._list = list(self._read.values())

    def __len__(self) -> int:
        return len(self._list) * SHARD

    def pick(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, np.ndarray]:
        """Random pictures: latents, part maps and scene numbers."""
        which = rng.integers(0, len(self), count)
        parts = [(self._list[i // SHARD], i % SHARD) for i in which]
        latents = torch.from_numpy(np.stack([s["latents"][i] for s, i in parts]).astype(np.float32))
        maps = torch.from_numpy(np.stack([s["maps"][i] for s, i in parts]).astype(np.int64))
        return latents, maps, np.stack([s["scenes"][i] for s, i in parts])


def main() -> None:
    """Command line: make shards up to a number, skipping those that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--shards", type=int, default=48)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    log = Log(options.work / "data.log")
    vae = frozen_codec(options.work)
    folder = options.work / "latents"
    if options.first == 0 and not (folder / "held-9000.npz").exists():
        write_shard(vae, folder, 9000, held_out=True)
    for number in range(options.first, options.shards, options.step):
        if not (folder / f"shard-{number:04}.npz").exists():
            write_shard(vae, folder, number)
            log(f"shard {number} of {options.shards}")


if __name__ == "__main__":
    main()
