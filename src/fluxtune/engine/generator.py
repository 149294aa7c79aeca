"""The resident generator: loads a base once, swaps adapters, draws images one by one."""

import gc
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.engine.bases import BaseDescription, require_base
from fluxtune.engine.captions import fill_trigger
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import GeneratorEventType
from fluxtune.engine.flux.adapters import check_fits, file_sha256, read_metadata
from fluxtune.engine.flux.family import Conditioning, functions_of
from fluxtune.engine.flux.fusing import Fuser, can_fuse
from fluxtune.engine.flux.load import load_whole_pipeline, release
from fluxtune.engine.flux.sample import draw_image, png_bytes
from fluxtune.engine.runfolder import write_atomic
from fluxtune.engine.runtime import choose_device, is_out_of_memory, peak_memory_bytes

KEPT_ADAPTERS = 4  # each is 50-200 MB for a large base
KEPT_PROMPTS = 32  # each is about 8 MB for a large base


class Say(Protocol):
    """Where events go."""

    def __call__(self, type_: GeneratorEventType, /, **data: Any) -> None:
        """Write one event."""


class Cancelled(Exception):
    """The request was taken back."""


class Generator:
    """Holds one base and the adapters used last. Not safe for several threads."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.device = choose_device()
        self.pipe: Any = None
        self.base: BaseDescription | None = None
        self._fuser: Fuser | None = None
        self._adapters: OrderedDict[str, str] = OrderedDict()  # content hash -> trigger word, least used first
        self._acting: tuple[str, float] | None = None  # adapter and strength
        self._names: dict[tuple[Path, int, int], str] = {}
        self._prompts: OrderedDict[str, Conditioning] = OrderedDict()

    def generate(self, request: GenerationRequest, check: Callable[[], None] = lambda: None) -> None:
        """Draw the images of a request into its folder and tell of each.

        `check` is called after every step and may raise `Cancelled`. Raises errors of `core.errors`.
        """
        started = time.perf_counter()
        prompt = fill_trigger(request.prompt, self.prepare(request))
        conditioning, empty = self._encode(prompt, request.id), self._encode("", None)
        self.say("generation.phase", id=request.id, phase="generating")
        request.out_dir.mkdir(parents=True, exist_ok=True)
        for index, seed in enumerate(request.seeds):
            self._draw(request, index, seed, conditioning, empty, check)
        self.say(
            "generation.succeeded",
            id=request.id,
            seconds=time.perf_counter() - started,
            peak_memory_bytes=peak_memory_bytes(self.device),
        )

    def prepare(self, request: GenerationRequest) -> str:
        """Load what a request needs and make its adapter act, none without one; return its trigger word."""
        base = self._load_base(request)
        _check_size(request, base)
        return self._use_adapter(request)

    def _draw(
        self,
        request: GenerationRequest,
        index: int,
        seed: int,
        conditioning: Conditioning,
        empty: Conditioning,
        check: Callable[[], None],
    ) -> None:
        def on_step(step: int) -> None:
            self.say("generation.progressed", id=request.id, index=index, step=step, steps=request.steps)
            check()

        check()
        assert self.base is not None  # noqa: S101 - _load_base was called
        started = time.perf_counter()
        image = draw_image(
            self.pipe,
            functions_of(self.base.family),
            self.device,
            conditioning,
            empty,
            seed=seed,
            width=request.width,
            height=request.height,
            steps=request.steps,
            guidance=request.guidance,
            on_step=on_step,
        )
        file = request.out_dir / f"{index}.png"
        write_atomic(file, png_bytes(image))
        seconds = time.perf_counter() - started
        self.say("generation.image", id=request.id, index=index, file=str(file), seed=seed, seconds=seconds)

    def _load_base(self, request: GenerationRequest) -> BaseDescription:
        base = require_base(request.base_path)
        if self.base is None or (base.path, base.fingerprint) != (self.base.path, self.base.fingerprint):
            self.unload()
            self.say("generation.phase", id=request.id, phase="loading base")
            self.pipe = load_whole_pipeline(base, self.device)
            transformer = self.pipe.transformer
            self._fuser = Fuser(transformer) if can_fuse(transformer, base, self.device) else None
        self.base = base
        return base

    def unload(self) -> None:
        """Let the base and everything that belongs to it go."""
        self.pipe, self.base, self._fuser = None, None, None
        self._adapters.clear()
        self._acting = None
        self._prompts.clear()
        gc.collect()
        release()

    def _use_adapter(self, request: GenerationRequest) -> str:
        """Make the request's adapter act at its strength; return its trigger word.

        At strength 0 adapters are switched off, not multiplied by zero: the image is the base's, bit for bit.
        """
        path, strength = request.adapter_path, request.finetune_strength
        if path is None:
            self._disable()
            return ""
        if strength == 0:
            self._disable()
            return read_metadata(path).get("fluxtune.trigger_word", "")
        name = self._name_of(path)
        if (name, strength) == self._acting:
            return self._adapters[name]
        self._disable()
        if name not in self._adapters:
            self.say("generation.phase", id=request.id, phase="loading adapter")
            self._adapters[name] = self._load_adapter(path, name)
        self._adapters.move_to_end(name)
        while len(self._adapters) > KEPT_ADAPTERS:
            self.pipe.delete_adapters(self._adapters.popitem(last=False)[0])
        self.pipe.enable_lora()
        self.pipe.set_adapters([name], [strength])
        if self._fuser is not None:
            self._fuser.fuse(name)
        self._acting = (name, strength)
        return self._adapters[name]

    def _name_of(self, path: Path) -> str:
        """Name an adapter by its content, which is read again only when the file has changed."""
        try:
            stat = path.stat()
        except OSError as error:
            raise NotFound(f"{path.name} is not there any more.", title="The adapter is missing") from error
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._names:
            self._names[key] = "a" + file_sha256(path)[:24]
        return self._names[key]

    def _load_adapter(self, path: Path, name: str) -> str:
        metadata = read_metadata(path)
        try:
            check_fits(self.pipe.transformer, path)
            self.pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name, local_files_only=True)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise InvalidInput(
                f"{path.name} was made for {metadata.get('fluxtune.base', 'another base')} and does not fit "
                f"{self.base.title if self.base else 'this base'}.",
                title="The adapter does not fit this base",
                action="Choose the base it was finetuned on.",
                technical=f"{type(error).__name__}: {error}",
            ) from error
        return metadata.get("fluxtune.trigger_word", "")

    def _disable(self) -> None:
        if self._fuser is not None:
            self._fuser.restore()
        if self._adapters:
            self.pipe.disable_lora()
        self._acting = None

    def _encode(self, prompt: str, request_id: str | None) -> Conditioning:
        """Encode a prompt, or take it from those encoded last; say when it is longer than the base reads."""
        assert self.base is not None  # noqa: S101 - _load_base was called
        family = functions_of(self.base.family)
        limit = self.base.max_prompt_tokens
        if request_id is not None and family.count_tokens(self.pipe, prompt) > limit:
            note = f"The prompt is longer than the {limit} tokens this base reads; its end is left out."
            self.say("generation.phase", id=request_id, phase="generating", note=note)
        if prompt not in self._prompts:
            with torch.no_grad():
                encoded = family.encode_text(self.pipe, prompt, self.base)
            self._prompts[prompt] = {name: tensor.to("cpu") for name, tensor in encoded.items()}
        self._prompts.move_to_end(prompt)
        while len(self._prompts) > KEPT_PROMPTS:
            self._prompts.popitem(last=False)
        return self._prompts[prompt]


def _check_size(request: GenerationRequest, base: BaseDescription) -> None:
    for field, side, limit in (("width", request.width, base.max_width), ("height", request.height, base.max_height)):
        if side % 16 or not 16 <= side <= limit:
            raise InvalidInput(f"{field} is {side}; {base.title} draws multiples of 16 up to {limit}.", field=field)
