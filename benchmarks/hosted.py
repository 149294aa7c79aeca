"""What fluxtune adds to hosted images: `python -m benchmarks.hosted [overhead|slots|ledger|lora …]`.

overhead  From a click (POST /api/generations) to the file being stored under its name, minus what a bare asyncio script
          takes for the same calls (POST, ask, fetch, write) in turn with it. The server's tasks are ready at once. The
          second figure is with the check of every pixel, the thumbnails and all the gallery needs.
slots     240 images as eight generations at once; the server's tasks take a constant time. How busy the account's 24
          places are: tasks × seconds / (24 × wall), where wall is from the first POST the server sees to the last image
          it gives out. 240 is ten times 24, so nothing but waiting is lost at the end; the fetch of the last image is
          in it.
ledger    A page of 50 lines out of 10,000, over HTTP, at every place.
lora      A LoRA file of 150 MB at klein 4B's shape, from its name to what it fits.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks.hosted_server import ACTIVE_TASKS, KEY
from benchmarks.serve import studio, wait_for
from fluxtune.client import Client
from fluxtune.core.clock import now
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.engine.lora_files.fits import matches
from fluxtune.engine.lora_files.layers import FAMILIES
from fluxtune.engine.lora_files.reading import recognise_lora
from fluxtune.hosted.tables import LedgerRow
from fluxtune.images.keys import original_key

MODEL = "flux-2-klein-4b"
BODY = {"prompt": "a lighthouse at dusk", "seed": 5}
LINES = 10_000
LORA_BYTES = 150_000_000
WIDTH, DOUBLES, SINGLES = 3072, 5, 20
"""klein 4B's."""


@contextmanager
def bfl(seconds: float) -> Iterator[str]:
    """Start a server whose tasks take so long; yield its address."""
    command = [sys.executable, "-m", "benchmarks.hosted_server", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def hosted_studio(server: str, data: Path) -> Iterator[tuple[psutil.Process, Client]]:
    """Start a studio whose hosted models are drawn by a server."""
    os.environ |= {
        "FLUXTUNE_HOSTED__KEY": KEY, "FLUXTUNE_HOSTED__SERVER": server, "FLUXTUNE_HOSTED__REGION": "server",
    }  # fmt: skip
    with studio(data) as (process, _, client):
        wait_for(lambda: client.system().worker.state == "ready" or 1 // 0)
        yield process, client


def processor_s(process: psutil.Process) -> float:
    """Return the processor time of a process and what it started, in seconds."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


async def bare_image(http: httpx2.AsyncClient, server: str, target: Path) -> float:
    """Do the calls of one image and nothing else; return the seconds."""
    started = time.perf_counter()
    headers = {"x-key": KEY}
    task = (await http.post(f"{server}/v1/{MODEL}", json=BODY, headers=headers)).json()
    while True:
        answer = (await http.get(task["polling_url"], headers=headers)).json()
        if answer["status"] == "Ready":
            break
        await asyncio.sleep(0.01)
    target.write_bytes((await http.get(answer["result"]["sample"])).content)  # noqa: ASYNC240 - nothing else runs
    return time.perf_counter() - started


def place_of(image: bytes, folder: Path) -> Path:
    """Return where a studio keeps an image."""
    return folder / "blobs" / original_key(hashlib.sha256(image).hexdigest(), "JPEG")


def our_image(client: Client, file: Path, ledger: sqlite3.Connection, count: int) -> tuple[float, float]:
    """Click; return the seconds until the file is stored, and until `count` images are in the gallery."""
    file.unlink(missing_ok=True)  # each image is the same, and kept once
    started = time.perf_counter()
    client.send("POST", "/api/generations", json={"model_id": f"bfl:{MODEL}", "count": 1, **BODY})
    stored: float | None = None
    query = "SELECT count(*) FROM hosted_ledger WHERE state = 'delivered'"
    while True:
        # Once a millisecond: on a small machine whoever measures takes the processor from what is measured.
        if stored is None and file.is_file():
            stored = time.perf_counter() - started
        elif stored is not None and ledger.execute(query).fetchone()[0] >= count:
            return stored, time.perf_counter() - started
        time.sleep(0.001)


async def measure_overhead(folder: Path, images: int) -> None:
    """Print milliseconds and processor time of an image, ours and bare, in turn."""
    with bfl(0.0) as server, hosted_studio(server, folder) as (process, client):
        bare: list[float] = []
        ours: list[tuple[float, float]] = []
        bare_cpu = our_cpu = 0.0
        with closing(sqlite3.connect(folder / "fluxtune.sqlite", isolation_level=None)) as ledger:
            async with httpx2.AsyncClient(trust_env=False) as http:
                file = place_of((await http.get(f"{server}/delivery/0.jpeg")).content, folder)
                for number in range(images + 5):
                    own, theirs = time.process_time(), processor_s(process)
                    bare.append(await bare_image(http, server, folder / "bare.jpeg"))
                    bare_cpu += time.process_time() - own
                    ours.append(our_image(client, file, ledger, number + 1))
                    our_cpu += processor_s(process) - theirs
                    if number == 4:  # warm
                        bare, ours, bare_cpu, our_cpu = [], [], 0.0, 0.0
    print(f"an image, median of {images}, ms: bare {1e3 * statistics.median(bare):.1f}")
    for name, took in (("stored", [each[0] for each in ours]), ("in the gallery", [each[1] for each in ours])):
        over = [1e3 * (our - its) for our, its in zip(took, bare, strict=True)]
        print(f"  ours, until it is {name}: {1e3 * statistics.median(took):.1f}, ", end="")
        print(f"overhead {statistics.median(over):.1f} (least {min(over):.1f}, worst {max(over):.1f})")
    print(f"processor time of an image, ms: bare {1e3 * bare_cpu / images:.1f}, ours {1e3 * our_cpu / images:.1f}")


def measure_slots(folder: Path, seconds: float, images: int, generations: int) -> None:
    """Print how busy the account's places are."""
    with bfl(seconds) as server, hosted_studio(server, folder) as (process, client):
        with closing(sqlite3.connect(folder / "fluxtune.sqlite", isolation_level=None)) as ledger:
            image = httpx2.get(f"{server}/delivery/0.jpeg", trust_env=False).content
            our_image(client, place_of(image, folder), ledger, 1)
        httpx2.get(f"{server}/figures", trust_env=False)
        before = processor_s(process)
        body = {"model_id": f"bfl:{MODEL}", "count": images // generations, **BODY}
        for _ in range(generations):
            client.send("POST", "/api/generations", json=body)
        path = folder / "fluxtune.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
            query = "SELECT count(*) FROM hosted_ledger WHERE state IN ('reserved', 'submitted', 'ready')"
            while ledger.execute(query).fetchone()[0]:
                time.sleep(0.1)
        found = httpx2.get(f"{server}/figures", trust_env=False).json()
        busy = found["tasks"] * seconds / (ACTIVE_TASKS * found["wall_s"])
        print(
            f"{found['tasks']} tasks of {seconds:g} s in {generations} generations: {found['wall_s']:.2f} s, ", end=""
        )
        print(f"{100 * busy:.1f} % of {ACTIVE_TASKS} places busy; most at once {found['most_active']}, ", end="")
        cpu = 1e3 * (processor_s(process) - before) / found["tasks"]
        print(f"refused {found['refused']}, fetched {found['fetched']}, processor {cpu:.0f} ms an image")


def fill_ledger(file: Path) -> None:
    """Write lines as a year of images leaves them."""
    at = now() - timedelta(days=300)
    database = Database.at(file)
    with database.transaction() as session:
        session.add_all(
            LedgerRow(
                id=new_id(), target_id=new_id(), slot=0, key_name="work", endpoint=MODEL, state="delivered",
                estimate=1400, cost=1400, is_settled=True, task_id=new_id(), polling_url=f"https://x/{number}",
                image_id=new_id(), created_at=at, sent_at=at, ended_at=at,
            )
            for number in range(LINES)
        )  # fmt: skip
    database.close()


def measure_ledger(folder: Path) -> None:
    """Print how long a page takes."""
    with studio(folder) as (_, _, client):
        fill_ledger(folder / "fluxtune.sqlite")
        took: list[float] = []
        before: str | None = None
        while True:
            started = time.perf_counter()
            parameters = {"limit": "50"} | ({"before": before} if before else {})
            page = client.send("GET", "/api/hosted/ledger", params=parameters).json()
            took.append(time.perf_counter() - started)
            before = page["next_before"]
            if before is None:
                break
        started = time.perf_counter()
        client.send("GET", "/api/hosted/status")
        status = time.perf_counter() - started
    print(
        f"a page of {LINES} ledger lines, {len(took)} pages, ms: median {1e3 * statistics.median(took):.1f}, ", end=""
    )
    print(f"worst {1e3 * max(took):.1f}; what was spent: {1e3 * status:.1f}")


def write_lora(file: Path) -> None:
    """Write a file with the header of a LoRA of every layer; its weights are zeros the disk need not hold."""
    shapes: dict[str, tuple[int, int]] = {}
    for blocks in FAMILIES["flux2"]:
        for number in range({"double": DOUBLES, "single": SINGLES, "outer": 0}[blocks.role]):
            for part in (part for layer in blocks.layers for part in layer.parts):
                assert part.into is not None
                assert part.out is not None
                name = f"transformer.{blocks.diffusers}.{number}.{part.name}"
                shapes[name] = (part.into * WIDTH, part.out * WIDTH)
    rank = LORA_BYTES // sum(2 * (into + out) for into, out in shapes.values())
    header: dict[str, Any] = {}
    end = 0
    for name, (into, out) in shapes.items():
        for side, shape in (("lora_A", [rank, into]), ("lora_B", [out, rank])):
            start, end = end, end + 2 * shape[0] * shape[1]
            header[f"{name}.{side}.weight"] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + end)


def measure_lora(folder: Path) -> None:
    """Print how long it takes to recognise a file."""
    write_lora(folder / "a.safetensors")
    took: list[float] = []
    for _ in range(5):
        started = time.perf_counter()
        lora = recognise_lora(folder / "a.safetensors")
        fits = [match.candidate.name for match in matches(lora)]
        took.append(time.perf_counter() - started)
    size = (folder / "a.safetensors").stat().st_size / 1e6
    print(
        f"a LoRA of {size:.0f} MB, rank {lora.rank}, for {', '.join(fits)}: {1e3 * took[0]:.0f} ms the first time, ",
        end="",
    )
    print(f"then {1e3 * statistics.median(took[1:]):.0f} ms")


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["overhead", "slots", "ledger", "lora"])
    parser.add_argument("--images", type=int, default=240, help="images that share the places")
    parser.add_argument("--generations", type=int, default=8, help="how many generations ask for them")
    parser.add_argument("--clicks", type=int, default=50, help="images one by one")
    parser.add_argument("--seconds", type=float, default=5.0, help="what a task takes at the server")
    chosen = parser.parse_args()
    for what in chosen.what:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if what == "overhead":
                asyncio.run(measure_overhead(folder, chosen.clicks))
            elif what == "slots":
                measure_slots(folder, chosen.seconds, chosen.images, chosen.generations)
            elif what == "ledger":
                measure_ledger(folder)
            elif what == "lora":
                measure_lora(folder)
            else:
                parser.error(f"there is no {what}")


if __name__ == "__main__":
    main()
