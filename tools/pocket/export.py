"""Put the trained parts together into the folder that ships."""

import argparse
import json
from pathlib import Path

import torch
from diffusers import Flux2Transformer2DModel

from tools.pocket import model, text
from tools.pocket.data import frozen_codec


def trained_transformer(path: Path) -> tuple[Flux2Transformer2DModel, dict[str, float]]:
    """The averaged weights of a checkpoint, and its counters."""
    saved = torch.load(path, weights_only=True, map_location="cpu")
    transformer = model.build()
    transformer.load_state_dict(saved["average"])
    return transformer.requires_grad_(False).eval(), saved["state"]


def export(work: Path, checkpoint: str, target: Path) -> None:
    """Write the folder from the newest codec and a checkpoint of the base."""
    stage = "decoder" if (work / "vae-decoder.pt").exists() else "encoder"
    transformer, state = trained_transformer(work / f"{checkpoint}.pt")
    pipe = model.pipeline(text.load(work), frozen_codec(work, stage), transformer)
    model.save_folder(pipe, target)
    weights = sum(path.stat().st_size for path in target.rglob("*.safetensors"))
    print(json.dumps({"step": state["step"], "seen": state["seen"], "codec": stage, "bytes": weights}))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--checkpoint", choices=("base", "finish"), default="finish")
    parser.add_argument("--to", type=Path, default=Path("src/fluxtune/engine/bases/pocket"))
    options = parser.parse_args()
    export(options.work, options.checkpoint, options.to)


if __name__ == "__main__":
    main()
