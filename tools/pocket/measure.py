"""The automatic measure: does a picture show what its caption says?

A small classifier learns subject, colour, pattern and place from fresh renderings. It then judges
what the base draws for held-out combinations. Its own accuracy on held-out renderings, passed
through the codec, is the ceiling, and is told beside the result.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import Flux2KleinPipeline
from torch import Tensor, nn

from tools.pocket import model, world
from tools.pocket.common import Log, batch_of, save_state
from tools.pocket.optim import Muon, split_parameters

JUDGED = ("subject", "colour", "pattern", "place")


class Judge(nn.Module):
    """A small convolutional classifier with one head per judged attribute."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 16), (16, 32), (32, 64), (64, 96), (96, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(8, outputs), nn.SiLU()]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.heads = nn.ModuleList(nn.Linear(128 * 16, len(world.ATTRIBUTES[name])) for name in JUDGED)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Logits per judged attribute."""
        state = self.body(pictures)
        return [head(state) for head in self.heads]


def judged_numbers(scene: world.Scene) -> list[int]:
    """The right answers for a scene."""
    return [world.ATTRIBUTES[name].index(getattr(scene, name)) for name in JUDGED]


def train_judge(work: Path, steps: int = 400, batch: int = 32) -> Judge:
    """Teach the judge on fresh renderings, blurred and noisy ones among them; kept once made."""
    path = work / "judge.pt"
    torch.manual_seed(8)
    judge = Judge()
    if path.exists():
        judge.load_state_dict(torch.load(path, weights_only=True)["judge"])
        return judge.eval()
    log = Log(work / "judge.log")
    rng = np.random.default_rng(31)
    optimiser = Muon(*split_parameters(judge, ("heads", "body.0.")), lr=2e-3)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, 2 * (1 - step / steps))
        scenes = [world.random_scene(rng) for _ in range(batch)]
        pictures = batch_of([world.render(scene, rng)[0] for scene in scenes])
        if step % 2:
            # Drawn pictures are softer than rendered ones; the judge must not mind.
            small = F.interpolate(pictures, scale_factor=0.5, mode="area")
            pictures = F.interpolate(small, scale_factor=2, mode="bilinear")
        pictures = pictures + 0.06 * torch.randn_like(pictures)
        right = torch.tensor([judged_numbers(scene) for scene in scenes])
        loss = sum(F.cross_entropy(logits, right[:, i]) for i, logits in enumerate(judge(pictures)))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()
        if step % 50 == 0:
            log(f"judge step {step} loss {float(loss):.3f}")
    save_state(path, {"step": steps}, {"judge": judge})
    return judge.eval()


def shares(judge: Judge, pictures: Tensor, scenes: list[world.Scene]) -> dict[str, float]:
    """Share of pictures judged right, per attribute and for all four together."""
    right = torch.tensor([judged_numbers(scene) for scene in scenes])
    with torch.no_grad():
        hits = torch.stack([logits.argmax(1) == right[:, i] for i, logits in enumerate(judge(pictures))], 1)
    result = {name: round(hits[:, i].float().mean().item(), 3) for i, name in enumerate(JUDGED)}
    result["all four"] = round(hits.all(1).float().mean().item(), 3)
    return result


def test_scenes(count: int) -> list[world.Scene]:
    """Held-out combinations, evenly over subjects and places, chosen once and for all."""
    rng = np.random.default_rng(77)
    subjects, places = tuple(world.SUBJECTS), tuple(world.PLACES)
    found: list[world.Scene] = []
    for index in range(count):
        subject, place = subjects[index % len(subjects)], places[index % len(places)]
        every = [world.Scene(subject, c, p, q) for q in places for c in world.COLOURS for p in world.PATTERNS]
        free = [scene for scene in every if scene.held_out and scene not in found]
        # A few pairs of subject and place have no combination that was held out.
        fitting = [scene for scene in free if scene.place == place] or free
        found.append(fitting[int(rng.integers(len(fitting)))])
    return found


def measure(pipe: Flux2KleinPipeline, work: Path, count: int = 96) -> dict[str, object]:
    """Judge what the pipeline draws for held-out scenes, and the same scenes as rendered."""
    judge = train_judge(work)
    scenes = test_scenes(count)
    rng = np.random.default_rng(78)
    real = batch_of([world.render(scene, rng)[0] for scene in scenes])
    with torch.no_grad():
        coded = pipe.vae.decode(pipe.vae.encode(real).latent_dist.mode()).sample
    drawn = []
    for start in range(0, count, 16):
        prompts = [world.plain_caption(scene) for scene in scenes[start : start + 16]]
        drawn += [np.asarray(image) for image in model.generate(pipe, prompts, seed=start)]
    return {
        "pictures": count,
        "drawn": shares(judge, batch_of(drawn), scenes),
        "rendered": shares(judge, real, scenes),
        "rendered, through the codec": shares(judge, coded.clamp(-1, 1), scenes),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--base", type=Path, default=Path("src/fluxtune/engine/bases/pocket"))
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pipe = Flux2KleinPipeline.from_pretrained(options.base)
    result = measure(pipe, options.work, options.count)
    (options.work / "measure.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
