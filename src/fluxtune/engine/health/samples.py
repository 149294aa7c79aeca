"""The samples a run drew of itself: those that a check would draw again are taken as they are."""

from pathlib import Path

from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import RunConfig
from fluxtune.engine.events import RunEvent
from fluxtune.engine.flux.adapters import read_metadata
from fluxtune.engine.health.plan import Checkpoint, Plan
from fluxtune.engine.runfolder import RunFolder

Key = tuple[int, str, int]
"""Step (0 is the untouched base), prompt, seed."""


class RunSamples:
    """What lies in a run's folder of samples, as far as it is what the generator draws with a checkpoint's file.

    That holds where the run has sampled with what it has saved, at the size a check looks at: a LoRA beside weights in
    their own format. It does not for full finetunes (the file is an extract) or quantised bases.
    """

    def __init__(self, folder: RunFolder, config: RunConfig, base: BaseDescription, plan: Plan) -> None:
        self._size = (plan.width, plan.height)
        own = base.folder / "fluxtune.json"
        self._since = own.stat().st_mtime_ns if own.is_file() else 0
        """Older samples may have been drawn with other steps or guidance than the base says now."""
        self._samples: dict[Key, Path] = {}
        recipe = config.recipe
        is_alike = recipe.method != "full" and recipe.precision == "auto" and recipe.quantization in ("auto", "none")
        if base.is_small and is_alike and _is_of(plan.checkpoints[0], base):
            self._samples = _read(folder)

    def find(self, checkpoint: Checkpoint | None, strength: float, prompt: str, seed: int) -> Path | None:
        """Return the sample that is this very image, or None."""
        file = self._samples.get((checkpoint.step if checkpoint else 0, prompt, seed))
        if file is None or (checkpoint is not None and strength != 1):
            return None
        try:
            # A sample follows its checkpoint. An older one is of another attempt at this step.
            since = max(self._since, checkpoint.adapter.stat().st_mtime_ns if checkpoint else 0)
            if file.stat().st_mtime_ns < since:
                return None
            with Image.open(file) as image:
                return file if image.size == self._size else None
        except OSError:
            return None


def _is_of(checkpoint: Checkpoint, base: BaseDescription) -> bool:
    return read_metadata(checkpoint.adapter).get("fluxtune.base_fingerprint") == base.fingerprint


def _read(folder: RunFolder) -> dict[Key, Path]:
    try:
        lines = folder.events.read_bytes().splitlines()
    except OSError:
        return {}
    found: dict[Key, Path] = {}
    for line in lines:
        if b'"run.sampled"' in line:
            try:
                data = RunEvent.model_validate_json(line).data
                found[data["step"], data["prompt"], data["seed"]] = folder.path / data["file"]
            except (ValueError, KeyError):
                continue
    return found
