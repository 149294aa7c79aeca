"""Checkpoints are written beside the training: a step waits for the copy in main memory, not for the disk."""

import threading
from pathlib import Path

from fluxtune.engine.flux import checkpoint
from fluxtune.engine.flux.checkpoint import Files, Progress


class Saver:
    """Writes one checkpoint at a time in a thread of its own, and removes those beyond `keep`."""

    def __init__(self, checkpoints: Path, keep: int) -> None:
        self._checkpoints = checkpoints
        self._keep = keep
        self._thread: threading.Thread | None = None
        self._saved: Path | None = None
        self._error: BaseException | None = None

    def start(self, progress: Progress, files: Files) -> None:
        """Begin to write a checkpoint, when the one before is collected; what is given may not change afterwards."""
        self._thread = threading.Thread(target=self._write, args=(progress, files), name="checkpoint")
        self._thread.start()

    def collect(self, is_to_wait: bool = False) -> Path | None:
        """Return the folder of a checkpoint that is there now and was not collected yet.

        Raises what writing has raised: `OSError` when the disk is full.
        """
        if self._thread is None or (self._thread.is_alive() and not is_to_wait):
            return None
        self._thread.join()
        self._thread = None
        saved, error, self._saved, self._error = self._saved, self._error, None, None
        if error is not None:
            raise error
        return saved

    def _write(self, progress: Progress, files: Files) -> None:
        try:
            self._saved = checkpoint.save_checkpoint(self._checkpoints, progress, files)
            checkpoint.prune(self._checkpoints, self._keep)
        except BaseException as error:
            self._error = error
