"""Small LoRA files for pocket, in the layouts of several trainers; made without torch."""

import random
from pathlib import Path

from fluxtune.engine.lora_files.matrices import Matrix, write_safetensors

WIDTH = 160
LAYERS = {"attn.to_q": (1, 1), "attn.to_k": (1, 1), "attn.to_v": (1, 1), "ff.linear_in": (1, 6)}


def pocket_lora(path: Path, metadata: dict[str, str] | None = None, *, rank: int = 4, width: int = WIDTH) -> Path:
    """Write a LoRA of pocket's blocks under diffusers' names."""
    rng = random.Random(1)
    tensors: dict[str, Matrix] = {}
    for number in range(2):
        for name, (into, out) in LAYERS.items():
            stem = f"transformer.transformer_blocks.{number}.{name}"
            tensors[f"{stem}.lora_A.weight"] = _random(rng, rank, into * width)
            tensors[f"{stem}.lora_B.weight"] = _random(rng, out * width, rank)
    write_safetensors(path, tensors, (), metadata or {})
    return path


def kohya_lora(path: Path, metadata: dict[str, str] | None = None) -> Path:
    """Write a LoRA of pocket's blocks as sd-scripts does: attention fused, half an alpha."""
    rng = random.Random(2)
    tensors: dict[str, Matrix] = {}
    for number in range(2):
        stem = f"lora_unet_double_blocks_{number}_img_attn_qkv"
        tensors[f"{stem}.lora_down.weight"] = _random(rng, 4, WIDTH)
        tensors[f"{stem}.lora_up.weight"] = _random(rng, 3 * WIDTH, 4)
        tensors[f"{stem}.alpha"] = Matrix("F32", 1, 1, lambda: b"\x00\x00\x00\x40")
    write_safetensors(path, tensors, [name for name in tensors if name.endswith("alpha")], metadata or {})
    return path


def _random(rng: random.Random, rows: int, columns: int) -> Matrix:
    # small numbers of both signs: the exponent of bfloat16 stays that of values around 0.02
    content = b"".join(bytes((rng.randrange(256), rng.choice((0x3C, 0xBC)))) for _ in range(rows * columns))
    return Matrix("BF16", rows, columns, lambda: content)
