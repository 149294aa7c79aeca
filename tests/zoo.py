"""Files as people really upload them, good and bad, made on the spot."""

import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw


@cache
def picture(seed: int = 0, size: tuple[int, int] = (160, 140), form: str = "PNG") -> bytes:
    """Return an image of a few random shapes; different seeds look different."""
    return encode(drawing(seed, size), form)


def drawing(seed: int = 0, size: tuple[int, int] = (160, 140)) -> Image.Image:
    """Return the pixels of `picture`."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        box = (x, y, x + rng.randrange(10, 90), y + rng.randrange(10, 90))
        draw.ellipse(box, fill=tuple(rng.randrange(256) for _ in range(3)))
    return image


def encode(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """Return the file of some pixels."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def zip_of(entries: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP of names and contents, in order; names may repeat."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")  # names may repeat on purpose
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, content)
    return buffer.getvalue()


def zip_with_link(name: str, target: str) -> bytes:
    """Return a ZIP that holds a symbolic link."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return buffer.getvalue()


def zip_encrypted(name: str, content: bytes) -> bytes:
    """Return a ZIP whose entry says that it is encrypted."""
    data = bytearray(zip_of([(name, content)], zipfile.ZIP_STORED))
    data[6] |= 1  # local header's flags
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    return bytes(data)


def zip_that_lies(name: str, content: bytes, claimed: int) -> bytes:
    """Return a ZIP whose central directory claims a smaller size than the entry unpacks to."""
    data = bytearray(zip_of([(name, content)]))
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", claimed)
    return bytes(data)


def png_bomb(width: int, height: int) -> bytes:
    """Return a small PNG whose header promises very many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
        + chunk(b"IEND", b"")
    )


def weights_of(count: int = 500) -> bytes:
    """Return a safetensors file of one tensor of zeros at 16 bits."""
    header = json.dumps({"weight": {"dtype": "F16", "shape": [count], "data_offsets": [0, 2 * count]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"\x00" * (2 * count)


def make_base(folder: Path, name: str = "tiny", *, complete: bool = True, **facts: object) -> Path:
    """Write a folder that describes itself as a small base; its weights are never loaded here."""
    base = folder / name
    parts = {"transformer": {"num_attention_heads": 2, "attention_head_dim": 32}, "vae": {}, "text_encoder": {}}
    for part, config in parts.items():
        (base / part).mkdir(parents=True)
        (base / part / "config.json").write_text(json.dumps(config))
        if complete:
            (base / part / "model.safetensors").write_bytes(weights_of())
    index = {"_class_name": "Flux2KleinPipeline", **{part: ["diffusers", "Part"] for part in parts}}
    (base / "model_index.json").write_text(json.dumps(index))
    own = {
        "name": name, "title": f"Base {name}", "description": "For tests.", "licence": "CC0-1.0", "default_steps": 8,
        "default_guidance": 2.5, "default_width": 128, "default_height": 128, "max_width": 256, "max_height": 256,
        "max_sequence_length": 32,
    }  # fmt: skip
    (base / "fluxtune.json").write_text(json.dumps(own | facts))
    return base


def heic(image: Image.Image, **options: object) -> bytes:
    """Return the pixels as phones store them."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return encode(image, "HEIF", quality=90, **options)
