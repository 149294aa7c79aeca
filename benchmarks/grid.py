"""How a dataset of 10,000 images opens, scrolls, filters and selects: `python -m benchmarks.grid [IMAGES]`.

The first page is asked over HTTP, as a browser does; frames are counted in Chromium by requestAnimationFrame while the
page is scrolled, once at reading speed and once at a throw. Records share the blobs of a few pictures made here.
Needs playwright and a Chromium, as the browser tests do.
"""

import io
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.serve import studio
from fluxtune.client import Client
from fluxtune.config import load_settings
from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.datasets.schemas import DatasetCreate
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.tables import DatasetImageRow
from fluxtune.db import Database, migrate
from fluxtune.images.service import StoredContent, store_content
from fluxtune.images.tables import ImageRow
from fluxtune.storage import Blobs
from tools.browser import find_browser

PICTURES = 24
RUNS = 9
TAGS = ("night", "portrait", "beach", "studio")
FRAMES = """
async ([speed, seconds]) => {
  const times = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  await new Promise((done) => {
    const frame = (at) => {
      times.push(at - last);
      window.scrollBy(0, speed * Math.min(0.1, (at - last) / 1000));
      last = at;
      if (at < end) requestAnimationFrame(frame); else done();
    };
    requestAnimationFrame(frame);
  });
  return times.slice(2);
}
"""


def make_pictures(blobs: Blobs) -> list[StoredContent]:
    """Store a few photographs of different sizes and shapes."""
    shapes = [(1600, 1200), (1200, 1600), (1400, 1400), (480, 640)]
    contents = []
    for index in range(PICTURES):
        size = shapes[index % len(shapes)]
        noise = Image.effect_noise((size[0] // 8, size[1] // 8), 60 + index).resize(size)
        tint = Image.new("L", size, 255 * index // PICTURES)
        buffer = io.BytesIO()
        Image.merge("RGB", (noise, tint, Image.eval(noise, lambda value: 255 - value))).save(buffer, "JPEG", quality=88)
        contents.append(store_content(blobs, buffer.getvalue()))
    return contents


def fill(data: Path, count: int) -> str:
    """Make a data folder with one dataset of `count` images; return the dataset's id."""
    settings = load_settings(data)
    settings.paths.create()
    database = Database.at(settings.paths.database)
    migrate(database, data / "migration.lock")
    blobs = Blobs.at(settings.paths.blobs)
    pictures = make_pictures(blobs)
    chance = random.Random(1)
    with database.transaction() as session:
        dataset = DatasetService(session, blobs).create_dataset(DatasetCreate(name="Ten thousand", trigger_word="rexo"))
        for place in range(count):
            content = pictures[place % PICTURES]
            image = ImageRow(
                id=new_id(), origin="uploaded", width=content.width, height=content.height,
                byte_count=content.byte_count, format=content.format, sha256=content.sha256,
                fingerprint="".join(chance.choices("0123456789abcdef", k=len(content.fingerprint))),
                placeholder=content.placeholder,
                measures=content.measures, created_at=now(),
            )  # fmt: skip
            caption = f"rexo number {place} in {chance.choice(('the rain', 'a garden', 'a street at noon'))}"
            session.add(image)
            session.flush()
            session.add(
                DatasetImageRow(
                    id=new_id(), dataset_id=dataset.id, image_id=image.id, position=place, name=f"{place:05d}.jpg",
                    caption=caption if place % 7 else "", caption_by="person" if place % 7 else "none",
                    tags=f"\n{TAGS[place % 4]}\n" if place % 3 == 0 else "", created_at=now(),
                )
            )  # fmt: skip
    database.close()
    return dataset.id


def median_ms(client: Client, path: str, **params: Any) -> float:
    """Return the median time of a request, answer read, in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        client.send("GET", path, params=params)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[1:])


def say_frames(name: str, times: list[float]) -> None:
    """Print how steady the frames came."""
    ordered = sorted(times)
    late = sum(1 for each in times if each > 25)
    print(
        f"{name:<34} {1000 / statistics.fmean(times):6.1f} frames/s   median {ordered[len(ordered) // 2]:5.1f} ms   "
        f"99 % {ordered[int(len(ordered) * 0.99)]:6.1f} ms   late {late} of {len(times)}"
    )


def look(page: Page, count: int) -> None:
    """Scroll and select in a browser."""
    page.get_by_role("button", name="Open image 1", exact=True).wait_for()
    page.wait_for_timeout(1500)
    say_frames("scrolling at reading speed", page.evaluate(FRAMES, [1500, 6]))
    say_frames("scrolling at a throw", page.evaluate(FRAMES, [20_000, 6]))
    page.evaluate("window.scrollTo(0, 0)")
    page.get_by_role("checkbox", name="Select image 1", exact=True).click(force=True)
    page.get_by_role("button", name="Open image 1", exact=True).focus()
    started = time.perf_counter()
    page.keyboard.press("Control+a")
    page.get_by_text(f"{count:,} chosen").wait_for()
    print(f"{'selecting everything':<34} {1000 * (time.perf_counter() - started):6.1f} ms")
    page.keyboard.press("Escape")
    started = time.perf_counter()
    page.get_by_role("textbox", name="Search in captions and names").fill("garden")
    page.get_by_text(f" of {count:,}").wait_for()
    print(f"{'search, 200 ms of waiting included':<34} {1000 * (time.perf_counter() - started):6.1f} ms")


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        dataset_id = fill(Path(folder), count)
        with studio(Path(folder)) as (_, _, client), sync_playwright() as playwright:
            path = f"/api/datasets/{dataset_id}/grid"
            print(f"{count:,} images")
            print(f"{'first page':<34} {median_ms(client, path):6.1f} ms")
            print(f"{'filter: words':<34} {median_ms(client, path, query='garden rexo'):6.1f} ms")
            print(f"{'filter: tag, size and shape':<34} "
                  f"{median_ms(client, path, tags='night', size='large', shape='square'):6.1f} ms")  # fmt: skip
            print(f"{'the dataset itself':<34} {median_ms(client, f'/api/datasets/{dataset_id}'):6.1f} ms")
            browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(client.sign_in_link())
            page.get_by_role("navigation", name="Places").wait_for()
            page.goto(f"{client.url}/datasets/{dataset_id}")
            look(page, count)
            browser.close()


if __name__ == "__main__":
    main()
