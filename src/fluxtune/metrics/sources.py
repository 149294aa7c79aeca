"""What is looked at every half minute: this computer, its graphics cards, the queue, what lies in the data folder."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil
from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs

_QUERY = "index,name,utilization.gpu,memory.used,memory.total"
_PATIENCE_S = 5


class Sample(NamedTuple):
    """How much there is of something now."""

    name: str
    label: str
    value: float


Source = Callable[[Session], Iterable[Sample]]


@cache
def host() -> str:
    """Return the name of this computer."""
    return socket.gethostname()[:64]


def watch_computer(settings: Settings) -> Iterator[Sample]:
    """Yield load of processor and memory, and the room on the disk of the data folder.

    The processor's is the mean since the last call; the first of a process is left out, because it has no beginning.
    """
    load = psutil.cpu_percent()
    if load or _has_looked():
        yield Sample("cpu", host(), load / 100)
    yield Sample("memory", host(), psutil.virtual_memory().percent / 100)
    with suppress(OSError):
        yield Sample("disk_free_bytes", host(), float(shutil.disk_usage(settings.data).free))
    yield from watch_cards()


_looks = 0


def _has_looked() -> bool:
    global _looks
    _looks += 1
    return _looks > 1


def watch_cards() -> Iterator[Sample]:
    """Yield load and memory of NVIDIA's cards, as the driver's own program tells them; nothing where there is none."""
    if not Path("/proc/driver/nvidia/version").exists():
        return
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return
    yield from read_cards(answer.stdout)


def read_cards(text: str) -> Iterator[Sample]:
    """Yield what the driver's program says in lines of index, name, load in percent, memory used and there in MiB.

    What a card does not tell, as parts of a shared card don't, is left out.
    """
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 5:
            continue
        index, name, load, used, there = fields
        label = f"{host()[:24]} {index} {name}"[:64]
        with suppress(ValueError):
            yield Sample("gpu", label, float(load) / 100)
        with suppress(ValueError, ZeroDivisionError):
            yield Sample("gpu_memory", label, float(used) / float(there))


def watch_queue(session: Session) -> Iterator[Sample]:
    """Yield how many jobs wait and run, and how many workers live."""
    counts = jobs.count_by_lane(session)
    for lane in ("device", "network"):
        yield Sample("jobs_waiting", lane, counts.get(("queued", lane), 0))
        yield Sample("jobs_running", lane, counts.get(("running", lane), 0))
    yield Sample("workers", "", jobs.count_workers(session))


def watch_storage(settings: Settings) -> Iterator[Sample]:
    """Yield how many bytes each part of the studio has. Looks at every file: seconds where there are many.

    Images may be kept in an object store; what is in it is listed, not read.
    """
    paths = settings.paths
    if settings.storage_url is None:
        images = size_of(paths.blobs)
    else:
        images = sum(each.byte_count for each in Blobs.at(paths.blobs, settings.storage_url).list_())
    yield Sample("stored_bytes", "images", float(images))
    parts = {"models": paths.models, "runs": paths.runs, "bases": paths.bases, "logs": paths.logs}
    for label, folder in parts.items():
        yield Sample("stored_bytes", label, float(size_of(folder)))
    files = (*paths.data.glob("*.sqlite"), *paths.data.glob("*.sqlite-wal"))
    yield Sample("stored_bytes", "database", float(sum(_bytes(file) for file in files)))


def size_of(folder: Path) -> int:
    """Return the bytes of all files under a folder; links count as links."""
    total = 0
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):  # it may be gone by now
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _bytes(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
