"""How other programs lay out training images, and how each is read. Pure text: names and contents in, plain data out.

images        pictures alone
captions      each picture beside a .txt or .caption of the same name (OneTrainer, SimpleTuner, diffusers)
bfl           the same, flat in one ZIP: what BFL's finetuning took
ai_toolkit    the same, where captions say `[trigger]`, are .json, or the program's caches lie about
kohya         folders named `10_zubo cat`: ten repeats, and "zubo cat" for pictures without a caption file
imagefolder   a metadata.jsonl or metadata.csv beside the pictures (Hugging Face datasets)
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from fluxtune.core.errors import FileRefused
from fluxtune.datasets.captions import MAX_CAPTION

Layout = Literal["images", "captions", "bfl", "ai_toolkit", "kohya", "imagefolder"]

LAYOUT_WORDS: dict[Layout, str] = {
    "images": "images without captions",
    "captions": "images with text files of the same name",
    "bfl": "a ZIP as BFL's finetuning takes it",
    "ai_toolkit": "an ai-toolkit folder",
    "kohya": "kohya folders",
    "imagefolder": "a Hugging Face image folder",
}
CAPTION_SUFFIXES = {".txt", ".caption"}
METADATA_FILES = {"metadata.jsonl", "metadata.csv"}
MAX_METADATA_BYTES = 64 * 1024**2
MAX_METADATA_ROWS = 100_000
MAX_REPEATS = 100
"""A folder called 2024_beach is a year, not two thousand repeats."""
CAPTION_KEYS = ("text", "caption", "prompt", "description")
TRIGGER = "[trigger]"

_KOHYA = re.compile(r"^(\d{1,3})_(.*)$")
_REGULARISATION = re.compile(r"^(reg|regs|regularization|regularisation|class_images)([_ -].*)?$", re.IGNORECASE)
_CACHES = re.compile(
    r"(^|/)(_latent_cache|_t_e_cache|_clip_vision_cache|\.aitk_size\.json$|\.huggingface|\.cache/)|\.npz$",
    re.IGNORECASE,
)
_AITK = re.compile(r"(^|/)(_latent_cache|_t_e_cache|_clip_vision_cache|\.aitk_size\.json$)")


class MetadataUnreadable(FileRefused):
    """A metadata file that is no list of images and captions."""

    title = "The captions in it can't be read"
    action = "Give each row a file_name and a text, as `datasets` of Hugging Face writes them."


@dataclass(frozen=True, slots=True)
class KohyaFolder:
    """What the name of a kohya folder says."""

    repeats: int
    words: str


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """One line of a metadata file: which image, and what it says of it."""

    file_name: str
    text: str
    repeats: int | None = None


def is_cache(name: str) -> bool:
    """Return whether a training program put this file there for itself."""
    return bool(_CACHES.search(name))


def is_metadata(name: str) -> bool:
    """Return whether this file holds the captions of its whole folder."""
    return PurePosixPath(name).name.lower() in METADATA_FILES


def kohya_folder(name: str) -> KohyaFolder | None:
    """Return what the folder of an image says, if it is one of kohya's."""
    for part in reversed(PurePosixPath(name).parts[:-1]):
        found = _KOHYA.match(part)
        if found and 1 <= int(found[1]) <= MAX_REPEATS:
            return KohyaFolder(int(found[1]), found[2].replace("_", " ").strip())
    return None


def is_regularisation(name: str) -> bool:
    """Return whether an image belongs to kohya's regularisation images: `reg/1_cat/x.png`."""
    folders = PurePosixPath(name).parts[:-1]
    return kohya_folder(name) is not None and any(_REGULARISATION.match(part) for part in folders)


def kohya_name(repeats: int, words: str) -> str:
    """Return how kohya calls a folder."""
    plain = re.sub(r"[^\w .-]+", " ", words).strip(" .")
    return f"{repeats}_{plain or 'images'}"


def recognise(images: Iterable[str], others: Iterable[str], captions: Iterable[str], *, is_zip: bool) -> Layout:
    """Say which layout files are in, by the names of images and of other files, and by the captions read."""
    images, others = list(images), list(others)
    if any(is_metadata(name) for name in others):
        return "imagefolder"
    if any(kohya_folder(name) for name in images):
        return "kohya"
    texts = [name for name in others if PurePosixPath(name).suffix.lower() in CAPTION_SUFFIXES]
    jsons = [name for name in others if PurePosixPath(name).suffix.lower() == ".json"]
    if any(_AITK.search(name) for name in others) or (jsons and not texts) or any(TRIGGER in text for text in captions):
        return "ai_toolkit"
    if not texts:
        return "images"
    is_flat = all("/" not in name for name in images)
    return "bfl" if is_zip and is_flat else "captions"


def read_metadata(name: str, data: bytes) -> Iterator[MetadataRow]:
    """Yield the rows of a metadata file; raise MetadataUnreadable where it can't be understood.

    `file_name` is relative to the file's own folder; rows without a caption are left out.
    """
    if len(data) > MAX_METADATA_BYTES:
        raise MetadataUnreadable(f"It is larger than {MAX_METADATA_BYTES // 1024**2} MB.", action="Split it.")
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MetadataUnreadable("It is not UTF-8.", technical=str(error)) from error
    if "\x00" in content:
        raise MetadataUnreadable("It is binary, not text.")
    rows = _json_rows(content) if name.lower().endswith(".jsonl") else _csv_rows(content)
    key = None
    for number, row in enumerate(rows, 1):
        if number > MAX_METADATA_ROWS:
            raise MetadataUnreadable(f"It has more than {MAX_METADATA_ROWS:,} rows.", action="Split it.")
        file_name = row.get("file_name")
        if not isinstance(file_name, str) or not file_name.strip():
            raise MetadataUnreadable(f"Row {number} has no file_name.")
        key = key or next((each for each in CAPTION_KEYS if each in row), None)
        if key is None:
            raise MetadataUnreadable(f"Row {number} has none of {', '.join(CAPTION_KEYS)}.")
        caption = row.get(key)
        if text := _one_line(caption) if isinstance(caption, str) else "":
            yield MetadataRow(_beside(name, file_name), text, _repeats(row.get("repeats")))


def read_json_caption(data: bytes) -> str:
    """Return the caption of ai-toolkit's JSON; raise MetadataUnreadable if it holds none."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise MetadataUnreadable("It is no JSON.", technical=str(error)[:500]) from error
    caption = value.get("caption") if isinstance(value, dict) else None
    if text := _one_line(caption) if isinstance(caption, str) else "":
        return text
    raise MetadataUnreadable("It holds no caption.", action="Give it a “caption”, or leave the file out.")


def _json_rows(text: str) -> Iterator[dict[str, Any]]:
    # Not splitlines: it also splits at characters that a caption may hold.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise MetadataUnreadable(f"Line {number} is no JSON.", technical=str(error)[:500]) from error
        if not isinstance(row, dict):
            raise MetadataUnreadable(f"Line {number} is no object.")
        yield row


def _csv_rows(text: str) -> Iterator[dict[str, Any]]:
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise MetadataUnreadable("It is no CSV with a heading.", technical=str(error)) from error


def _one_line(caption: str) -> str:
    """Tidy a caption as caption files are; control characters have no place in one."""
    text = " ".join("".join(each if each.isprintable() or each.isspace() else "" for each in caption).split())
    if len(text) > MAX_CAPTION:
        raise MetadataUnreadable(f"A caption has {len(text):,} characters; at most {MAX_CAPTION:,} are accepted.")
    return text


def _beside(metadata: str, file_name: str) -> str:
    folder = PurePosixPath(metadata).parent
    return str(folder / file_name.replace("\\", "/").lstrip("/"))


def _repeats(value: object) -> int | None:
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if 1 <= number <= MAX_REPEATS else None
