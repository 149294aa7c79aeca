"""What is sent when files and folders are uploaded."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from fluxtune.datasets.layouts import METADATA_FILES

# A batch this big shows progress often enough and keeps one refused request from costing the rest.
BATCH_FILES = 32
BATCH_BYTES = 64 << 20


def collect_files(paths: Iterable[str | Path]) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of every file; a folder gives its files, named with their path inside it.

    Hidden files are left out. What is no image is sent too: the studio names and explains what it refuses.
    """
    for given in paths:
        path = Path(given).expanduser()
        if not path.is_dir():
            yield path.name, path
            continue
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.is_file() and not any(part.startswith((".", "__MACOSX")) for part in inside.parts):
                yield (Path(path.resolve().name) / inside).as_posix(), file


def batches(files: Iterable[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    """Group files; an image and its caption file of the same name stay together.

    What names images of its whole folder (metadata.jsonl) goes last, when they are there.
    """
    ordered = sorted(
        files, key=lambda file: (file[1].name.lower() in METADATA_FILES, file[1].with_suffix("").as_posix())
    )
    batch: list[tuple[str, Path]] = []
    size = 0
    for name, path in ordered:
        byte_count = path.stat().st_size
        is_full = len(batch) >= BATCH_FILES or size + byte_count > BATCH_BYTES
        if batch and is_full and path.with_suffix("") != batch[-1][1].with_suffix(""):
            yield batch
            batch, size = [], 0
        batch.append((name, path))
        size += byte_count
    if batch:
        yield batch
