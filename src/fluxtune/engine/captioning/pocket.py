"""The captioner of pocket's world: reads subject, colour, pattern and place off the pixels, or says it can't tell.

A network of five strided convolutions (made by `tools/pocket/captioner.py`), computed with numpy alone: loading torch
takes longer than captioning a whole dataset. It knows the ten subjects, twelve colours, four patterns and nine places
that pocket was trained on and nothing else, so it must know when it does not know: besides the network's own classes
for "something else", the picture must look like the place it was taken for (`_likeness`), which no photograph does.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WEIGHTS = Path(__file__).with_name("pocket.safetensors")
SIDE = 128
HEADS: dict[str, tuple[str | None, ...]] = {
    "subject": ("cat", "rabbit", "bear", "frog", "owl", "fish", "octopus", "car", "mushroom", "star", None),
    "colour": (
        "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "white", "gray", "black",
    ),
    "pattern": ("plain", "striped", "dotted", "checkered"),
    "place": ("meadow", "beach", "night", "snow", "desert", "room", "forest", "underwater", "studio", None),
    "mood": ("happy", "sad", "sleepy"),
    "size": ("small", "medium", "big"),
    "style": ("default", "flat", "outlined", "soft"),
}  # fmt: skip
"""The classes of each attribute; None is "not one of these"."""
PLACE_WORDS = {
    "meadow": "in a meadow", "beach": "at the beach", "night": "at night", "snow": "in the snow",
    "desert": "in the desert", "room": "in a room", "forest": "in the forest", "underwater": "underwater",
    "studio": "on a plain background",
}  # fmt: skip
STYLE_WORDS = {"flat": "flat style", "outlined": "bold outlines", "soft": "soft shading"}
LEAST_CONFIDENCE = {
    "subject": 0.6,
    "place": 0.6,
    "colour": 0.45,
    "pattern": 0.45,
    "mood": 0.6,
    "size": 0.45,
    "style": 0.7,
}
"""Probability from which a class is said; below, the attribute stays unsaid."""
MOST_DISTANCE = 0.95
"""How unlike its place a picture may be (see `_distance`): the farthest of 300 unseen ones of the world was 0.75."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture shows, None where the captioner can't tell; `confidence` is that of the least sure of it."""

    subject: str | None
    colour: str | None
    pattern: str | None
    place: str | None
    mood: str | None
    size: str | None
    style: str | None
    confidence: float

    @property
    def is_known(self) -> bool:
        """Is this a picture of pocket's world?"""
        return self.place is not None


class PocketCaptioner:
    """Holds the weights; `read` takes about ten milliseconds."""

    def __init__(self, file: Path = WEIGHTS) -> None:
        self._file = file

    @cached_property
    def _weights(self) -> dict[str, Floats]:
        from safetensors.numpy import load_file

        return {name: value.astype(np.float32) for name, value in load_file(self._file).items()}

    def read(self, image: Image.Image) -> Reading:
        """Return what a picture of any size shows."""
        pixels = _square(image)
        features = pixels.transpose(2, 0, 1) * 2 - 1
        depth = 0
        while f"layers.{depth}.weight" in self._weights:
            features = _convolve(
                features, self._weights[f"layers.{depth}.weight"], self._weights[f"layers.{depth}.bias"]
            )
            depth += 1
        flat = features.reshape(-1)
        said: dict[str, str | None] = {}
        sure = [1.0]
        for index, (name, classes) in enumerate(HEADS.items()):
            shares = _softmax(self._weights[f"heads.{index}.weight"] @ flat + self._weights[f"heads.{index}.bias"])
            best = int(shares.argmax())
            said[name] = classes[best] if shares[best] >= LEAST_CONFIDENCE[name] else None
            if said[name] is not None:
                sure.append(float(shares[best]))
        if said["place"] is None or self._distance(pixels, said["place"]) > MOST_DISTANCE:
            return Reading(None, None, None, None, None, None, None, 0.0)
        if said["subject"] is None:
            said = {**dict.fromkeys(HEADS), "place": said["place"]}
        elif said["subject"] == "car":
            said["mood"] = None  # it has no face
        return Reading(**said, confidence=min(sure))

    def _distance(self, pixels: Floats, place: str) -> float:
        """Return how far a picture is from its place, in spreads of the pictures of that place, over 16 × 16 cells."""
        number = HEADS["place"].index(place)
        mean, spread = self._weights["place.mean"][number], self._weights["place.spread"][number]
        cells = pixels.reshape(16, SIDE // 16, 16, SIDE // 16, 3).mean((1, 3))
        # Beyond four spreads it does not matter how far: a small stranger in a known place is no other place.
        return float(np.minimum(np.abs(cells - mean) / (spread + 0.02), 4).mean())


def describe(reading: Reading, mode: str, trigger_word: str) -> str | None:
    """Say a reading in the words pocket was trained with; None where the captioner can't tell.

    Of a character or product only what is not the subject itself is said: what a caption names is not learnt as part
    of the trigger word.
    """
    if not reading.is_known or reading.place is None:
        return None
    place = PLACE_WORDS[reading.place]
    size = reading.size if reading.size in ("small", "big") else None
    style = STYLE_WORDS.get(reading.style or "")
    if trigger_word and mode in ("character", "product"):
        noun = reading.subject or ("creature" if mode == "character" else "thing")
        return f"{_article([size, trigger_word, noun])} {place}"
    mood = reading.mood if reading.mood in ("sad", "sleepy") else None
    pattern = reading.pattern if reading.pattern != "plain" else None
    text = f"{_article([size, mood, reading.colour, pattern, reading.subject or 'thing'])} {place}"
    if trigger_word and mode == "style":
        return f"{text}, {trigger_word} style"
    text = f"{text}, {style}" if style else text
    return f"{trigger_word}, {text}" if trigger_word else text


def _article(words: list[str | None]) -> str:
    said = " ".join(word for word in words if word)
    return f"{'an' if said[0] in 'aeiouAEIOU' else 'a'} {said}"


def _square(image: Image.Image) -> Floats:
    """Return the middle of a picture as `(128, 128, 3)` in 0..1, on white where it is clear."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.new("RGBA", clear.size, "white")
        image.alpha_composite(clear)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.convert("RGB").resize(
        (SIDE, SIDE), Image.Resampling.BOX if side > SIDE else Image.Resampling.BICUBIC,
        box=(left, top, left + side, top + side),
    )  # fmt: skip
    return np.asarray(np.asarray(image, np.float32) / 255, np.float32)


def _convolve(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return a 3 × 3 convolution in strides of two, then ReLU: `(in, 2n, 2n)` to `(out, n, n)`."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]
    rows = windows.transpose(1, 2, 0, 3, 4).reshape(-1, x.shape[0] * 9)
    made = rows @ weight.reshape(len(weight), -1).T + bias
    side = x.shape[1] // 2
    return np.asarray(np.maximum(made, 0).T.reshape(len(weight), side, side), np.float32)


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum(), np.float32)
