"""How quickly the studio is there, and how much memory it takes: `make bench` or `python -m benchmarks.serve`.

Measures whole processes as a user starts them, several times each, and prints the median.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx2
import psutil

from fluxtune.client import Client

RUNS = 5
WAIT_S = 120.0

T = TypeVar("T")


def fluxtune(*arguments: str) -> list[str]:
    """Return the command that runs fluxtune with this Python."""
    return [sys.executable, "-m", "fluxtune", *arguments]


def seconds_of(arguments: list[str], data: Path) -> float:
    """Return how long a command takes from start to end."""
    started = time.perf_counter()
    subprocess.run(fluxtune("--data", str(data), *arguments), stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


@contextmanager
def studio(data: Path) -> Iterator[tuple[psutil.Process, float, Client]]:
    """Start the studio; yield its process, the seconds until it answered, and a client."""
    started = time.perf_counter()
    process = subprocess.Popen(
        fluxtune("serve", "--port", "0", "--no-open", "--data", str(data)), stdout=subprocess.DEVNULL
    )
    try:
        record = wait_for(lambda: json.loads((data / "studio.json").read_text()))
        with Client(record["url"], record["token"]) as client:
            wait_for(lambda: client.send("GET", "/healthz"))
            yield psutil.Process(process.pid), time.perf_counter() - started, client
    finally:
        process.terminate()
        process.wait()


def wait_for(attempt: Callable[[], T]) -> T:
    """Try until it works."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            return attempt()
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def first_page_seconds(data: Path) -> float:
    """Return how long a browser waits for the first page of a studio on a new data folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "fluxtune", "serve", "--port", str(port), "--no-open", "--data", str(data)]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False).raise_for_status())
        seconds = time.perf_counter() - started
        process.terminate()
    return seconds


def worker_seconds(client: Client, started: float) -> float:
    """Return when the worker was ready to take a job."""
    while client.system().worker.state != "ready":
        time.sleep(0.02)
    return time.perf_counter() - started


def megabytes(process: psutil.Process) -> float:
    """Return the memory a process holds itself."""
    return process.memory_info().rss / 1e6


def main() -> None:
    """Measure and print a table."""
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    with tempfile.TemporaryDirectory() as folder:
        for run in range(RUNS):
            data = Path(folder) / str(run)
            note("fluxtune --help, s", seconds_of(["--help"], data))
            note("fluxtune doctor, s", seconds_of(["doctor"], data))
            note("fluxtune dataset list without a studio, s", seconds_of(["dataset", "list"], data))
            note("serve until the first page, s", first_page_seconds(Path(folder) / f"{run} page"))
            started = time.perf_counter()
            with studio(data) as (process, seconds, client):
                note("serve until commands find it, s", seconds)
                note("serve until the worker is ready, s", worker_seconds(client, started))
                note("fluxtune dataset list with a studio, s", seconds_of(["dataset", "list"], data))
                note("server memory, MB", megabytes(process))
                note("worker memory, MB", sum(megabytes(each) for each in process.children(recursive=True)))
                for _ in range(200):
                    client.datasets()
                note("server memory after 200 requests, MB", megabytes(process))
    width = max(map(len, figures))
    print(f"{'median of ' + str(RUNS):<{width}}  median     min     max")
    for name, values in figures.items():
        print(f"{name:<{width}}  {statistics.median(values):6.2f}  {min(values):6.2f}  {max(values):6.2f}")


if __name__ == "__main__":
    main()
