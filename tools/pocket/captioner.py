"""The embedded captioner: a small network that says what a picture of pocket's world shows.

It reads the seven attributes of a scene off the pixels, and for subject and place it also learns to say that it
does not know: from scenes in which something made of random shapes stands, from doodles, and from coloured noise that
has the statistics of photographs. The sample concepts are kept out of the fitting, to test with.

    python -m tools.pocket.captioner fit      # some minutes on one core; writes the shipped file
    python -m tools.pocket.captioner measure  # accuracy per attribute, on seeds that the fitting never saw
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from safetensors.numpy import save_file
from torch import Tensor, nn

from fluxtune.engine.captioning.pocket import HEADS, WEIGHTS, PocketCaptioner
from tools.pocket import world
from tools.pocket.canvas import SIZE, Canvas
from tools.pocket.concepts import draw_concept
from tools.pocket.doodles import doodle
from tools.pocket.places import PLACES

Rng = np.random.Generator
WIDTHS = (16, 32, 48, 64, 96)
FIT_SEED, TEST_SEED = 1_000, 9_000_000
UNKNOWN = -100  # what the loss leaves out


def stranger(rng: Rng) -> np.ndarray:
    """A place of the world with something in it that is not of the world."""
    canvas = Canvas(SIZE)
    place = str(rng.choice(list(PLACES)))
    PLACES[place](canvas, rng)
    x, y = SIZE / 2 + rng.normal(0, 6), world.FOOT - 30
    reach = rng.uniform(18, 36)
    for _ in range(int(rng.integers(2, 9))):
        px, py = x + rng.normal(0, 0.4) * reach, y + rng.normal(0, 0.5) * reach
        rx, ry = rng.uniform(0.12, 0.9, 2) * reach
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        kind = rng.random()
        if kind < 0.5:
            canvas.ellipse(px, py, rx + 2, ry + 2, (30, 26, 34))
            canvas.ellipse(px, py, rx, ry, colour)  # type: ignore[arg-type]
        elif kind < 0.8:
            canvas.box(px - rx, py - ry, px + rx, py + ry, colour, radius=float(rng.choice([0, 4, 9])))  # type: ignore[arg-type]
        else:
            points = [(px + dx, py + dy) for dx, dy in rng.normal(0, 0.5 * reach, (int(rng.integers(3, 6)), 2))]
            canvas.polygon(points, colour)  # type: ignore[arg-type]
    return canvas.picture()


def cloudy(rng: Rng) -> np.ndarray:
    """Coloured noise whose spectrum falls as that of photographs does, with an edge or two."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE))) + 1 / SIZE
    planes = []
    shared = rng.normal(size=(SIZE, SIZE))
    for _ in range(3):
        noise = np.fft.fft2(shared + 0.5 * rng.normal(size=(SIZE, SIZE)))
        plane = np.fft.ifft2(noise / frequency ** rng.uniform(0.8, 1.7)).real
        planes.append((plane - plane.mean()) / (plane.std() + 1e-6) * rng.uniform(20, 70) + rng.uniform(60, 200))
    made = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        edge = int(rng.integers(20, 108))
        made[edge:] = np.clip(made[edge:].astype(int) + rng.integers(-90, 90, 3), 0, 255).astype(np.uint8)
    return made


def spoilt(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The picture as it may come back: mirrored, a little soft, noisy, brighter or darker, enlarged and reduced."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    image = Image.fromarray(np.ascontiguousarray(picture))
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 1.1))))
    values = np.asarray(image).astype(np.float32)
    if rng.random() < 0.5:
        values = values * rng.uniform(0.93, 1.07) + rng.normal(0, 4, 3).astype(np.float32)
        values = values + rng.normal(0, rng.uniform(0, 6), values.shape).astype(np.float32)
    return np.clip(values, 0, 255).astype(np.uint8)


def example(seed: int, *, is_spoilt: bool = True) -> tuple[np.ndarray, list[int]]:
    """One picture and its classes in the order of `HEADS`; the last class of subject and place means not known."""
    rng = np.random.default_rng(seed)
    draw = rng.random()
    if draw < 0.72:
        scene = world.random_scene(rng)
        if rng.random() < 0.35:  # moods, sizes and styles come up rarely in the world
            scene = world.Scene(
                scene.subject, scene.colour, scene.pattern, scene.place, str(rng.choice(world.MOODS)),
                str(rng.choice(list(world.SIZES))), str(rng.choice(world.STYLES)),
            )  # fmt: skip
        picture, numbers = world.render(scene, rng)[0], scene.numbers()
        if scene.subject == "car":
            numbers[4] = UNKNOWN  # it has no face
    elif draw < 0.86:
        picture = stranger(rng)
        place = np.random.default_rng(seed)
        place.random()
        numbers = [len(world.SUBJECTS), UNKNOWN, UNKNOWN, list(PLACES).index(str(place.choice(list(PLACES)))),
                   UNKNOWN, UNKNOWN, UNKNOWN]  # fmt: skip
    else:
        picture = doodle(rng) if draw < 0.94 else cloudy(rng)
        numbers = [len(world.SUBJECTS), UNKNOWN, UNKNOWN, len(PLACES), UNKNOWN, UNKNOWN, UNKNOWN]
    return (spoilt(picture, rng) if is_spoilt else picture), numbers


def draw_many(first: int, count: int, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Draw examples, or read them if they were drawn before."""
    if file.exists():
        kept = np.load(file)
        return kept["pictures"], kept["numbers"]
    made = [example(first + index) for index in range(count)]
    pictures, numbers = np.stack([each[0] for each in made]), np.array([each[1] for each in made])
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, pictures=pictures, numbers=numbers)
    return pictures, numbers


class Network(nn.Module):
    """Five strided convolutions and one linear layer per attribute."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *WIDTHS[:-1])
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(inputs, WIDTHS, strict=True)
        )
        side = SIZE // 2 ** len(WIDTHS)
        self.heads = nn.ModuleList(nn.Linear(WIDTHS[-1] * side * side, len(names)) for names in HEADS.values())

    def forward(self, x: Tensor) -> list[Tensor]:
        """`(batch, 3, 128, 128)` in -1..1 to one row of logits per attribute."""
        for layer in self.layers:
            x = F.relu(layer(x))
        x = F.dropout(x.flatten(1), 0.2, self.training)
        return [head(x) for head in self.heads]


def fit(work: Path, count: int, epochs: int, batch: int = 64, lr: float = 2e-3) -> None:
    """Draw, fit and write the shipped file."""
    torch.manual_seed(0)
    pictures, numbers = draw_many(FIT_SEED, count, work / f"captioner-{count}.npz")
    targets = torch.from_numpy(numbers)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.02)
    steps = epochs * (count // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps)
    started = time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(count)[: count // batch * batch].view(-1, batch)
        total = 0.0
        for rows in order:
            x = torch.from_numpy(pictures[rows.numpy()].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1)
            logits = network(x)
            loss = torch.zeros(())
            for index, row in enumerate(logits):
                # The mean over none is not a number.
                if (targets[rows, index] != UNKNOWN).any():
                    loss = loss + F.cross_entropy(row, targets[rows, index], label_smoothing=0.03)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1} loss {total / len(order):.3f} after {time.monotonic() - started:.0f} s", flush=True)
    export(network.eval(), pictures, numbers)


def templates(pictures: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each place at 16 × 16, from examples that show it: `(places, 16, 16, 3)` in 0..1."""
    small = pictures.reshape(len(pictures), 16, 8, 16, 8, 3).mean((2, 4)) / 255
    shown = [small[numbers[:, 3] == index] for index in range(len(PLACES))]
    return (np.stack([np.median(each, 0) for each in shown]).astype(np.float16),
            np.stack([each.std(0) for each in shown]).astype(np.float16))  # fmt: skip


def export(network: Network, pictures: np.ndarray, numbers: np.ndarray) -> None:
    """Write weights as 16-bit numbers, with the names of the classes."""
    state = {name: value.half().numpy() for name, value in network.state_dict().items()}
    state["place.mean"], state["place.spread"] = templates(pictures, numbers)
    about = {"heads": json.dumps({name: list(values) for name, values in HEADS.items()}), "made_by": __name__}
    save_file(state, WEIGHTS, metadata=about)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1000:.0f} KB")


def measure(count: int) -> dict[str, Any]:
    """Accuracy per attribute on unseen pictures, and how often the captioner rightly says that it does not know."""
    captioner = PocketCaptioner()
    right: dict[str, list[bool]] = {name: [] for name in HEADS}
    told: list[bool] = []
    exact: list[bool] = []
    started = time.monotonic()
    for index in range(count):
        rng = np.random.default_rng(TEST_SEED + index)
        scene = world.random_scene(rng)
        reading = captioner.read(Image.fromarray(world.render(scene, rng)[0]))
        told.append(reading.is_known)
        for name in HEADS:
            if name != "mood" or scene.subject != "car":
                right[name].append(getattr(reading, name) == getattr(scene, name))
        exact.append(
            all(getattr(reading, name) == getattr(scene, name) for name in ("subject", "colour", "pattern", "place"))
        )
    milliseconds = (time.monotonic() - started) / count * 1000
    figures: dict[str, Any] = {name: round(float(np.mean(values)), 4) for name, values in right.items()}
    figures["told"] = round(float(np.mean(told)), 4)
    figures["subject, colour, pattern and place"] = round(float(np.mean(exact)), 4)
    figures["milliseconds with drawing"] = round(milliseconds, 1)
    for name in ("character", "product", "style"):
        readings = [captioner.read(Image.fromarray(picture)) for picture, _ in draw_concept(name)]
        figures[f"{name}: says that the subject is unknown"] = sum(each.subject is None for each in readings)
        figures[f"{name}: place right"] = sum(
            each.place is not None and world.PLACE_WORDS[each.place][0] in text
            for each, (_, text) in zip(readings, draw_concept(name), strict=True)
        )
    for label, make in (("doodles", doodle), ("noise", cloudy)):
        rng = np.random.default_rng(TEST_SEED)
        figures[f"{label}: can't tell"] = float(
            np.mean([not captioner.read(Image.fromarray(make(rng))).is_known for _ in range(200)])
        )
    return figures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("draw", "fit", "measure"))
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    count = options.count or (1_000 if options.what == "measure" else 16_000)
    if options.what == "draw":
        draw_many(FIT_SEED, count, options.work / f"captioner-{count}.npz")
    elif options.what == "fit":
        fit(options.work, count, options.epochs)
    else:
        print(json.dumps(measure(count), indent=2))


if __name__ == "__main__":
    main()
