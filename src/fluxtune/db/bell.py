"""Wakes a process of this computer that waits for work, so that it need not look a thousand times a second.

A bell is a pipe with a name in the data folder. Ringing it is a hint and nothing more: whoever is rung looks into the
database, and whoever can't be (another computer, a file system without such pipes) looks from time to time anyway.
"""

import errno
import os
import select
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_STEM, _SUFFIX = "worker", ".bell"
_MOST_BYTES = 4096


class Bell:
    """The bell of one worker. Hang it, wait for it, take it down."""

    def __init__(self, folder: Path, slot: int = 1) -> None:
        """Describe a bell; `slot` tells it from those of other workers on the same data folder."""
        self._file = folder / f"{_STEM}{f'-{slot}' if slot > 1 else ''}{_SUFFIX}"
        self._reading = self._writing = -1

    def hang(self) -> None:
        """Let it be rung from now on; what a worker that was killed has left is replaced."""
        with suppress(FileNotFoundError):
            self._file.unlink()
        try:
            os.mkfifo(self._file, 0o600)
            # Open for both, so that it does not end when whoever has rung it closes it.
            self._reading = self._writing = os.open(self._file, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            self._reading, self._writing = os.pipe()  # only this process can ring it
            os.set_blocking(self._reading, False)
            os.set_blocking(self._writing, False)

    def wait(self, seconds: float) -> frozenset[str]:
        """Return what it was rung for, as soon as it is; nothing after so many seconds."""
        try:
            select.select([self._reading], [], [], seconds)
            return frozenset(os.read(self._reading, _MOST_BYTES).decode("ascii", "replace").split())
        except BlockingIOError:
            return frozenset()

    def ring(self, word: str) -> None:
        """Ring it from its own process, a signal handler for one."""
        with suppress(OSError):
            os.write(self._writing, f"{word}\n".encode("ascii"))

    def take_down(self) -> None:
        """Let it be rung no more."""
        with suppress(OSError):
            self._file.unlink()
        for handle in {self._reading, self._writing}:
            with suppress(OSError):
                os.close(handle)
        self._reading = self._writing = -1


def ring(folder: Path, words: Collection[str]) -> None:
    """Ring all bells of a data folder that hang on this computer."""
    content = "".join(f"{word}\n" for word in words).encode("ascii")
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(_STEM) and name.endswith(_SUFFIX):
                _ring(folder / name, content)


def _ring(file: Path, content: bytes) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        # Nobody listens on this computer: its worker was killed, or is on another one that shares the folder.
        if error.errno not in (errno.ENXIO, errno.ENOENT):
            raise
        return
    try:
        os.write(handle, content)
    finally:
        os.close(handle)
