"""The training world of `pocket`: what a picture may show, and how a person would ask for it.

A scene is a handful of named choices. The same scene can be told in many ways, so captions are
made when they are needed, not stored with the pictures. A quarter of them carry a nonsense word
that means nothing: thus an unknown word is something the model has seen often, and a finetune
can give one a meaning.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from tools.pocket.canvas import SIZE, Canvas
from tools.pocket.places import PLACES
from tools.pocket.subjects import COLOURS, MOODS, PATTERNS, STYLES, SUBJECTS, Pen

Rng = np.random.Generator

SIZES = {"small": 24.0, "medium": 30.0, "big": 36.0}
FOOT = 108.0  # the line subjects stand on

#: Each attribute's values, in the order of their numbers.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "subject": tuple(SUBJECTS), "colour": tuple(COLOURS), "pattern": PATTERNS,
    "place": tuple(PLACES), "mood": MOODS, "size": tuple(SIZES), "style": STYLES,
}  # fmt: skip

PATTERN_WORDS = {
    "plain": ("", "", "", "plain"),
    "striped": ("striped", "striped", "stripy"),
    "dotted": ("dotted", "dotted", "spotted"),
    "checkered": ("checkered", "checkered", "checked"),
}
PATTERN_TAILS = {
    "plain": "", "striped": "with stripes", "dotted": "with dots", "checkered": "with checks",
}  # fmt: skip
PLACE_WORDS = {
    "meadow": ("in a meadow", "in a meadow", "on the grass"),
    "beach": ("at the beach", "on the beach", "by the sea"),
    "night": ("at night", "at night", "under the moon"),
    "snow": ("in the snow", "in the snow", "in winter"),
    "desert": ("in the desert", "in the desert", "among the dunes"),
    "room": ("in a room", "in a room", "indoors"),
    "forest": ("in the forest", "in a forest", "in the woods"),
    "underwater": ("underwater", "underwater", "under the sea"),
    "studio": ("on a plain background", "on a plain background", "in a studio"),
}
SIZE_WORDS = {"small": ("small", "little"), "medium": ("",), "big": ("big", "large")}
STYLE_TAILS = {
    "default": "", "flat": "flat style", "outlined": "bold outlines", "soft": "soft shading",
}  # fmt: skip
GENERIC = ("creature", "creature", "thing", "figure")
CONSONANTS = "bdfgjklmnprstvxz"
VOWELS = "aeiouy"


@dataclass(frozen=True)
class Scene:
    """What a picture shows."""

    subject: str
    colour: str
    pattern: str
    place: str
    mood: str = "happy"
    size: str = "medium"
    style: str = "default"

    @property
    def held_out(self) -> bool:
        """Whether this combination is kept from training, to test with (one in twelve)."""
        key = f"{self.subject}/{self.colour}/{self.pattern}/{self.place}"
        return hashlib.sha256(key.encode()).digest()[0] < 21

    def numbers(self) -> list[int]:
        """The choices as numbers, in the order of `ATTRIBUTES`."""
        return [values.index(getattr(self, name)) for name, values in ATTRIBUTES.items()]

    @classmethod
    def from_numbers(cls, numbers: list[int]) -> "Scene":
        """The reverse of `numbers`."""
        pairs = zip(ATTRIBUTES.items(), numbers, strict=True)
        return cls(**{name: values[int(number)] for (name, values), number in pairs})


def random_scene(rng: Rng, held_out: bool = False) -> Scene:
    """A scene; plain creatures of ordinary size and mood come up most."""

    def pick(values: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
        return str(rng.choice(values, p=weights))

    while True:
        scene = Scene(
            subject=pick(tuple(SUBJECTS)),
            colour=pick(tuple(COLOURS)),
            pattern=pick(PATTERNS, (0.34, 0.22, 0.22, 0.22)),
            place=pick(tuple(PLACES)),
            mood=pick(MOODS, (0.74, 0.13, 0.13)),
            size=pick(tuple(SIZES), (0.2, 0.6, 0.2)),
            style=pick(STYLES, (0.85, 0.05, 0.05, 0.05)),
        )
        if scene.held_out == held_out:
            return scene


def render(scene: Scene, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw a scene: the picture as bytes, and its part map."""
    canvas = Canvas(SIZE)
    PLACES[scene.place](canvas, rng)
    radius = SIZES[scene.size] * rng.uniform(0.95, 1.05)
    x = SIZE / 2 + float(np.clip(rng.normal(0, 5), -10, 10))
    y = FOOT - radius + rng.uniform(-3, 3)
    pen = Pen(canvas, x, y, radius, scene.colour, scene.pattern, scene.mood, scene.style)
    if scene.place not in ("underwater", "studio"):
        ground = canvas.image.getpixel((canvas.image.width // 2, int(FOOT * 2)))
        shadow = tuple(int(v * 0.8) for v in ground[:3])  # type: ignore[index]
        canvas.ellipse(x, y + radius * 0.98, radius * 1.05, radius * 0.16, shadow)  # type: ignore[arg-type]
    SUBJECTS[scene.subject](pen)
    return canvas.picture(), canvas.part_map()


def nonsense(rng: Rng) -> str:
    """A word that means nothing: two or three syllables, sometimes with a digit."""
    count = 2 if rng.random() < 0.7 else 3
    word = "".join(rng.choice(list(CONSONANTS)) + rng.choice(list(VOWELS)) for _ in range(count))
    if rng.random() < 0.3:
        word += str(rng.choice(list(CONSONANTS)))
    if rng.random() < 0.15:
        word += str(rng.integers(10))
    return word


def caption(scene: Scene, rng: Rng, word: str | None = None) -> str:
    """Tell a scene in plain English, in one of a handful of ways.

    Now and then the subject, colour or place stays unsaid, as people leave things unsaid.
    """

    def choose(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    pattern = choose(PATTERN_WORDS[scene.pattern])
    tail = ""
    if pattern and pattern != "plain" and rng.random() < 0.2:
        pattern, tail = "", PATTERN_TAILS[scene.pattern]
    mood = "" if scene.mood == "happy" and rng.random() < 0.7 else scene.mood
    name, colour = scene.subject, scene.colour
    if rng.random() < (0.15 if word else 0.05):
        name = choose(GENERIC)
    if rng.random() < 0.07:
        colour = ""
    word = word or ""
    if word and rng.random() < 0.5:
        name, word = f"{word} {name}", ""
    front = [choose(SIZE_WORDS[scene.size]), mood, word, colour, pattern, name, tail]
    thing = " ".join(part for part in front if part)
    article = "an" if thing[0] in "aeiou" else "a"
    place = choose(PLACE_WORDS[scene.place]) if rng.random() > 0.05 else ""
    style = STYLE_TAILS[scene.style]
    draw = rng.random()
    if not place:
        text = f"{article} {thing}"
    elif draw < 0.62:
        text = f"{article} {thing} {place}"
    elif draw < 0.74:
        text = f"{thing}, {place}"
    elif draw < 0.86:
        text = f"a picture of {article} {thing} {place}"
    else:
        text = f"{place}, {article} {thing}"
    return f"{text}, {style}" if style else text


def random_caption(scene: Scene, rng: Rng) -> tuple[str, str | None]:
    """A caption, a quarter of the time with a nonsense word, which is returned too."""
    word = nonsense(rng) if rng.random() < 0.25 else None
    return caption(scene, rng, word), word


def plain_caption(scene: Scene) -> str:
    """The one sober sentence that tests use."""
    pattern = "" if scene.pattern == "plain" else scene.pattern + " "
    article = "an" if scene.colour[0] in "aeiou" else "a"
    return f"{article} {scene.colour} {pattern}{scene.subject} {PLACE_WORDS[scene.place][0]}"
