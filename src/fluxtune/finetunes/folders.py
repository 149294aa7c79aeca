"""The folder an engine process works in, as the studio fills it."""

from fluxtune.datasets.snapshot import Manifest, write_snapshot
from fluxtune.engine.config import RunConfig
from fluxtune.engine.runfolder import RunFolder, write_atomic
from fluxtune.storage import Blobs


def write_run_folder(blobs: Blobs, folder: RunFolder, config: RunConfig, manifest: Manifest) -> None:
    """Write images, captions and `run.json`; what is there already is not written again. Raises `OSError`."""
    folder.path.mkdir(parents=True, exist_ok=True)
    write_snapshot(blobs, manifest, folder.snapshot)
    write_atomic(folder.path / "run.json", config.model_dump_json(indent=2).encode())
