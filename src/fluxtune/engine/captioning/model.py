"""Captions by a vision-language model of the transformers library: Florence-2, the Qwen-VL family and others alike."""

from pathlib import Path
from typing import Any

from PIL import Image

from fluxtune.core.errors import NotReady
from fluxtune.engine.captioning.messages import CaptionerSetup
from fluxtune.engine.runtime import choose_device, is_out_of_memory

LONGEST_SIDE = 1024
"""Pixels an image is reduced to before the model sees it: more costs time and memory, and tells it little."""
FLORENCE_TASKS = ("<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>")


class CaptionModelMissing(NotReady):
    """The model is not on this computer, or is none that describes images."""

    title = "The captioning model can't be loaded"
    action = "Give the folder of a Florence-2 or Qwen-VL model, or download it first: `hf download NAME`."


class VisionModel:
    """A loaded model; `caption` describes one image."""

    def __init__(self, setup: CaptionerSetup) -> None:
        """Load from a folder or the Hugging Face cache; nothing is downloaded and no code of a model is run."""
        self._setup = setup
        device = choose_device()
        self.device = device.name
        folder = Path(setup.model).expanduser()
        where = str(folder) if folder.is_dir() else setup.model
        try:
            self._model, self._reader = _load(where, device.dtype)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            # Whatever a folder holds that is no such model: each class of the library fails in its own way.
            raise CaptionModelMissing(
                f"“{setup.model}” was not found on this computer, or is no model that describes images.",
                technical=f"{type(error).__name__}: {error}"[:2000],
            ) from error
        self._model.to(self.device).eval()

    def caption(self, image: Image.Image) -> str:
        """Return the description of an image, one line."""
        import torch

        image = image.convert("RGB")
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        inputs = {
            name: value.to(self.device, self._model.dtype) if value.is_floating_point() else value.to(self.device)
            for name, value in self._reader.read(image, self._setup.prompt).items()
        }
        with torch.inference_mode():
            made = self._model.generate(**inputs, max_new_tokens=self._setup.max_tokens, do_sample=False)
        if not self._model.config.is_encoder_decoder:
            made = made[:, inputs["input_ids"].shape[1] :]
        text: str = self._reader.tokenizer.batch_decode(made, skip_special_tokens=True)[0]
        return " ".join(text.split())


def _load(where: str, dtype: Any) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForImageTextToText

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(where, **options)
    kind = config.model_type
    reader = (_Florence if kind == "florence2" else _Qwen if kind.startswith("qwen") else _Chat)(where, config, options)
    model = AutoModelForImageTextToText.from_pretrained(where, dtype=dtype, use_safetensors=True, **options)
    return model, reader


class _Chat:
    """Models that are asked in a chat, by the processor they come with."""

    def __init__(self, where: str, config: Any, options: dict[str, Any]) -> None:
        from transformers import AutoProcessor

        self._processor: Any = AutoProcessor.from_pretrained(where, **options)
        self.tokenizer: Any = self._processor.tokenizer

    def read(self, image: Image.Image, prompt: str) -> Any:
        """Return the image and what is asked, as the model reads them."""
        content = [{"type": "image", "image": image}, {"type": "text", "text": prompt}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )


class _Florence(_Chat):
    """Florence-2 was taught tasks, not instructions: other words are ignored or confuse it."""

    def read(self, image: Image.Image, prompt: str) -> Any:
        """Return the image and the task that is asked for, the longest description when none is."""
        task = prompt.strip() if prompt.strip() in FLORENCE_TASKS else "<MORE_DETAILED_CAPTION>"
        return self._processor(text=task, images=image, return_tensors="pt")


class _Qwen:
    """Qwen-VL. Its own processor reads films too and needs torchvision for them; images alone do not."""

    def __init__(self, where: str, config: Any, options: dict[str, Any]) -> None:
        from transformers import AutoImageProcessor, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(where, **options)
        self._images: Any = AutoImageProcessor.from_pretrained(where, backend="pil", **options)
        self._pad_id = config.image_token_id

    def read(self, image: Image.Image, prompt: str) -> dict[str, Any]:
        """Return the image and the question; the image's one place in the text grows to one for each of its pieces."""
        picture = self._images(images=[image], return_tensors="pt")
        pieces = int(picture["image_grid_thw"][0].prod()) // self._images.merge_size**2
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        pad = self.tokenizer.convert_ids_to_tokens(self._pad_id)
        tokens = self.tokenizer(text.replace(pad, pad * pieces, 1), return_tensors="pt")
        ids = tokens["input_ids"]
        return {**picture, **tokens, "mm_token_type_ids": (ids == self._pad_id).int()}
