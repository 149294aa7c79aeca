"""Getting the images of a check, each once: what was drawn already, by an earlier check or the run, is taken."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.generator import Generator
from fluxtune.engine.health.plan import Checkpoint, Plan
from fluxtune.engine.health.samples import RunSamples
from fluxtune.engine.runfolder import write_atomic

FOLDER = "health"


class Drawer:
    """Draws with the resident generator's code, one image at a time, so that a seed means the same as anywhere."""

    def __init__(
        self,
        run: Path,
        base: BaseDescription,
        plan: Plan,
        generator: Generator,
        samples: RunSamples,
        tell: Callable[[str], None],
    ) -> None:
        """`tell` is called before every image, drawn or there already, with what it is; it may raise to stop."""
        self._run = run
        self._folder = run / FOLDER
        self._base = base
        self._plan = plan
        self._generator = generator
        self._samples = samples
        self._tell = tell
        self._folder.mkdir(exist_ok=True)

    def draw(self, checkpoint: Checkpoint | None, strength: float, prompt: str, seed: int) -> str:
        """Draw one image, of the untouched base without a checkpoint; return its file relative to the run's folder."""
        self._tell("drawing with the base" if checkpoint is None else f"drawing with step {checkpoint.step}")
        name = self._name(checkpoint, strength, prompt, seed)
        file = self._folder / name
        if not file.is_file():
            sample = self._samples.find(checkpoint, strength, prompt, seed)
            if sample is not None:
                write_atomic(file, sample.read_bytes())
            else:
                self._draw(self.request(checkpoint, strength, prompt, seed, self._folder / f".{name}.part"), file)
        return f"{FOLDER}/{name}"

    def _draw(self, request: GenerationRequest, file: Path) -> None:
        self._generator.generate(request, lambda: self._tell(""))
        (request.out_dir / "0.png").replace(file)
        shutil.rmtree(request.out_dir, ignore_errors=True)

    def open(self, file: str) -> Image.Image:
        """Return a drawn image."""
        with Image.open(self._run / file) as image:
            return image.convert("RGB")

    def request(
        self, checkpoint: Checkpoint | None, strength: float, prompt: str, seed: int, out_dir: Path
    ) -> GenerationRequest:
        """Return what the generator is asked."""
        return GenerationRequest(
            id=FOLDER,
            base=self._base.name,
            base_path=self._base.path,
            adapter_path=checkpoint.adapter if checkpoint else None,
            finetune_strength=strength,
            prompt=prompt,
            seeds=[seed],
            width=self._plan.width,
            height=self._plan.height,
            steps=self._base.default_steps,
            guidance=self._base.default_guidance,
            out_dir=out_dir,
        )

    def _name(self, checkpoint: Checkpoint | None, strength: float, prompt: str, seed: int) -> str:
        base = self._base
        how = f"{self._plan.width}x{self._plan.height}|{base.default_steps}|{base.default_guidance:g}"
        what = f"{prompt}|{how}|{base.fingerprint}"
        digest = hashlib.sha256(what.encode()).hexdigest()[:8]
        key = f"{checkpoint.key}-{strength:g}" if checkpoint else "base"
        return f"{key}-{digest}-{seed}.png"
