"""How fast photographs come in: decode, check, hash, three thumbnails, stored on disk.

    python -m benchmarks.ingest                # 1,000 photographs of 12 megapixels, made first
    python -m benchmarks.ingest --count 30     # a quick look

Six ways over the same files, each in a process of its own, so that peak memory is its own as well:

    full      one plain Pillow process as one writes it first: decode in full, three thumbnails as JPEG
    plain     one plain Pillow process doing the very same decode (JPEG's own scaling) and thumbnails
    one       that process doing the decode and nothing else: the floor beside `plain`
    decode    the same decode and nothing else, on all cores: no program can be faster
    ingest    fluxtune's own: decode, measures, fingerprint, hash, placeholder, thumbnails, blobs on disk, on all cores
    quarter   ingest of a quarter of the files: peak memory must be the same

and the search for look-alikes among 100,000 fingerprints. Prints JSON.
"""

import argparse
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageOps

SIZE = (4000, 3000)
DRAFT = (896, 672)


def make_photographs(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """Write JPEGs with the detail of photographs: soft shapes, edges and grain, each its own."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    textures = []
    for _ in range(6):
        soft = Image.effect_noise((size[0] // 40, size[1] // 40), 90).resize(size, Image.Resampling.BICUBIC)
        edges = soft.point(lambda value: 255 if value % 64 > 40 else value)
        grain = Image.effect_noise(size, 12)
        textures.append(ImageChops.add(ImageChops.blend(soft, edges, 0.3), grain, 1.6))
    files = []
    for number in range(count):
        file = folder / f"{number:05}.jpg"
        if not file.is_file():
            bands = [
                ImageChops.offset(texture, rng.randrange(size[0]), rng.randrange(size[1]))
                for texture in rng.sample(textures, 3)
            ]
            Image.merge("RGB", bands).save(file, "JPEG", quality=88)
        files.append(file)
    return files


def _open(file: Path, draft: bool) -> Image.Image:
    image = Image.open(io.BytesIO(file.read_bytes()))
    if draft:
        image.draft(None, DRAFT)
    image.load()
    return image


def plain(files: list[Path], folder: Path, *, draft: bool) -> None:
    """Make three thumbnails of each file, one after the other."""
    for file in files:
        image = ImageOps.exif_transpose(_open(file, draft)).convert("RGB")
        for size in (768, 320, 128):
            image = image.copy()
            image.thumbnail((size, size), Image.Resampling.LANCZOS)
            image.save(folder / f"{file.stem}-{size}.jpg", "JPEG", quality=85)


def decode_only(files: list[Path], cores: int | None) -> None:
    """Decode on so many cores."""
    with ThreadPoolExecutor(cores) as pool:
        for _ in pool.map(lambda file: _open(file, True).size, files):
            pass


def ingest(files: list[Path], folder: Path) -> None:
    """Bring files in as an upload does, and check them."""
    from fluxtune.datasets.check import CheckedImage, check_dataset
    from fluxtune.datasets.importer import Found, read_found
    from fluxtune.images.service import store_content
    from fluxtune.storage import Blobs

    def found() -> Iterator[Found]:
        for file in files:
            yield Found(file.name, file.read_bytes())

    blobs = Blobs.at(folder)
    imported = read_found(found(), lambda content: store_content(blobs, content))
    if len(imported.images) != len(files):
        raise SystemExit(f"refused: {imported.refused[:3]}")
    contents = [image.content for image in imported.images]
    check_dataset(
        [
            CheckedImage(str(index), each.width, each.height, each.sha256, each.fingerprint, "", each.measures)
            for index, each in enumerate(contents)
        ],
        "general",
        "",
    )


def search(count: int) -> dict[str, float]:
    """Find look-alikes among random fingerprints, then again after one more came."""
    from fluxtune.imaging import AlikeIndex

    rng = random.Random(2)
    prints = {str(number): f"{rng.getrandbits(256):064x}{rng.randbytes(48).hex()}" for number in range(count)}
    index = AlikeIndex()
    started, worked = time.perf_counter(), time.process_time()
    index.update(prints)
    groups = len(index.groups())
    built, built_worked = time.perf_counter(), time.process_time()
    index.update({**prints, "new": prints["0"]})
    again = len(index.groups())
    ended = time.perf_counter()
    return {
        "seconds": round(built - started, 3),
        "processor_seconds": round(built_worked - worked, 3),
        "one_more_seconds": round(ended - built, 3),
        "groups": groups,
        "groups_after": again,
    }


def _measured(way: str, files: list[Path], answers: Any) -> None:
    if way in ("ingest", "quarter"):
        importlib.import_module("fluxtune.datasets.importer")  # a server has long been started
    with tempfile.TemporaryDirectory() as name:
        started, worked = time.perf_counter(), time.process_time()
        if way in ("full", "plain"):
            plain(files, Path(name), draft=way == "plain")
        elif way in ("one", "decode"):
            decode_only(files, 1 if way == "one" else os.cpu_count())
        else:
            ingest(files, Path(name))
        took, work = time.perf_counter() - started, time.process_time() - worked
    # What `getrusage` says would be the parent's peak where that was higher.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    each = {"per_image_ms": took, "processor_ms": work}
    per_image = {name: round(1000 * seconds / len(files), 1) for name, seconds in each.items()}
    answers.put({"seconds": round(took, 2), **per_image, "peak_bytes": peak})


def measure(way: str, files: list[Path]) -> dict[str, Any]:
    """Run one way in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_measured, args=(way, files, answers))
    process.start()
    result: dict[str, Any] = answers.get()
    process.join()
    return result


def main() -> None:
    """Make the photographs, run all ways, print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="photographs")
    parser.add_argument("--folder", type=Path, help="where to keep them for the next time")
    parser.add_argument("--width", type=int, default=SIZE[0])
    parser.add_argument("--height", type=int, default=SIZE[1])
    parser.add_argument("--fingerprints", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = make_photographs(given.folder or Path(name), given.count, (given.width, given.height))
        ways = {way: measure(way, files) for way in ("full", "plain", "one", "decode", "ingest")}
        ways["quarter"] = measure("quarter", files[: max(1, len(files) // 4)])
        digest = hashlib.sha256(files[0].read_bytes()).hexdigest()[:12]
    seconds = {way: result["seconds"] for way, result in ways.items()}
    report = {
        "count": given.count,
        "cores": os.cpu_count(),
        "first": digest,
        "ways": ways,
        "times_faster_than_plain": round(seconds["plain"] / seconds["ingest"], 2),
        "times_faster_than_full": round(seconds["full"] / seconds["ingest"], 2),
        "over_decode_of_one_process": round(seconds["ingest"] / seconds["one"], 2),
        "over_decode_on_all_cores": round(seconds["ingest"] / seconds["decode"], 2),
        "memory_growth": round(ways["ingest"]["peak_bytes"] / ways["quarter"]["peak_bytes"], 2),
        "look_alikes": search(given.fingerprints),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
