"""Train the base: the transformer, on cached latents, with the frozen text encoder.

What raises what is learned from each picture:

- Muon for the hidden matrices;
- a second target (after arXiv 2410.06940): from the middle of the network, throw-away heads must
  tell what the renderer knows (which part is where, and what is shown), which leads the image
  tokens to the caption long before the noise does. Its weight fades;
- captions made anew at every use.

The learning rate stays level until `--finish`, so a run can be stopped, resumed, prolonged and
exported at any time; `--finish` lets the rate fall to nothing over some minutes, for a better
export, and writes to a file of its own so that the level run can go on.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import Flux2Transformer2DModel
from torch import Tensor, nn

from tools.pocket import model as models
from tools.pocket import team as teams
from tools.pocket import text as texts
from tools.pocket import world
from tools.pocket.canvas import CELLS, PARTS
from tools.pocket.common import Log, load_state, save_state
from tools.pocket.data import Shards
from tools.pocket.optim import Muon, split_parameters

LR = 3e-3
DROPOUT = 0.1  # share of captions left empty, for guidance
AFTER = 0  # the single-stream block whose output the auxiliary heads read
NOT_MUON = ("embedder", "modulation", "time_guidance", "norm_out", "proj_out", "heads")
SIDE = CELLS // 2  # tokens along an edge


class Tutor(nn.Module):
    """Throw-away heads that tell parts and attributes from image tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(v)) for name, v in world.ATTRIBUTES.items()})
        self.heads["parts"] = nn.Linear(width, 4 * len(PARTS))

    def forward(self, tokens: Tensor, maps: Tensor, scenes: Tensor) -> Tensor:
        """Loss of telling the part of each 8 x 8 cell, and each attribute everywhere."""
        tokens = self.norm(tokens)
        count = len(maps)
        cells = maps.view(count, SIDE, 2, SIDE, 2).permute(0, 1, 3, 2, 4).reshape(-1)
        parts = self.heads["parts"](tokens).reshape(-1, len(PARTS))
        loss = F.cross_entropy(parts, cells)
        for index, name in enumerate(world.ATTRIBUTES):
            logits = self.heads[name](tokens).transpose(1, 2)
            target = scenes[:, index, None].expand(-1, logits.shape[2])
            loss = loss + 0.1 * F.cross_entropy(logits, target)
        return loss


def noise_levels(count: int) -> Tensor:
    """Training noise levels, distributed as the shipped settings say."""
    sampling = models.SETTINGS["train_timestep_sampling"]
    u = torch.sigmoid(sampling["mean"] + sampling["std"] * torch.randn(count))  # type: ignore[index]
    shift = sampling["shift"]  # type: ignore[index]
    return shift * u / (1 + (shift - 1) * u)


def position_ids(text_tokens: int, side: int = SIDE) -> tuple[Tensor, Tensor]:
    """Position ids of text and image tokens, as the pipeline makes them."""
    zero, one = torch.arange(1), torch.arange(side)
    image = torch.cartesian_prod(zero, one, one, zero)
    words = torch.cartesian_prod(zero, zero, zero, torch.arange(text_tokens))
    return words, image


class Run:
    """The transformer under training, with all that a checkpoint holds."""

    def __init__(self, stack: texts.TextStack) -> None:
        torch.manual_seed(4)
        self.stack = stack
        self.transformer = models.build()
        self.tutor = Tutor(self.transformer.inner_dim)
        for name, p in self.transformer.named_parameters():
            if "modulation" in name or "norm_out" in name or "proj_out" in name:
                nn.init.zeros_(p)
        self.average: Flux2Transformer2DModel = models.build()
        self.average.load_state_dict(self.transformer.state_dict())
        self.average.requires_grad_(False)
        both = nn.ModuleDict({"transformer": self.transformer, "tutor": self.tutor})
        self.trained = both
        self.optimiser = Muon(*split_parameters(both, NOT_MUON), lr=LR, other_scale=0.5)
        self.seen = torch.zeros(())
        self._middle = torch.empty(0)
        block = self.transformer.single_transformer_blocks[AFTER]
        block.register_forward_hook(self._keep)

    def _keep(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._middle = output

    def parts(self) -> dict[str, object]:
        """What a checkpoint holds."""
        return {"transformer": self.transformer, "tutor": self.tutor, "average": self.average,
                "optimiser": self.optimiser}  # fmt: skip

    def loss(self, latents: Tensor, maps: Tensor, scenes: np.ndarray, rng: np.random.Generator,
             levels: Tensor | None = None) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Noise prediction loss and tutor loss of a batch."""
        captions = [
            "" if rng.random() < DROPOUT else world.random_caption(world.Scene.from_numbers(row), rng)[0]
            for row in scenes.tolist()
        ]
        with torch.no_grad():
            words = self.stack.embed(captions)
        sigma = (noise_levels(len(latents)) if levels is None else levels)[:, None, None]
        noise = torch.randn_like(latents)
        txt_ids, img_ids = position_ids(words.shape[1])
        made = self.transformer(
            hidden_states=(1 - sigma) * latents + sigma * noise,
            encoder_hidden_states=words,
            timestep=sigma[:, 0, 0],
            img_ids=img_ids,
            txt_ids=txt_ids,
            return_dict=False,
        )[0]
        main = F.mse_loss(made, noise - latents)
        tutor = self.tutor(self._middle[:, words.shape[1] :], maps, torch.from_numpy(scenes).long())
        return main, tutor

    def follow(self, step: int, slowest: float = 0.999) -> None:
        """Let the averaged weights follow."""
        share = min(slowest, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, fast in zip(self.average.parameters(), self.transformer.parameters(), strict=True):
                slow.lerp_(fast, 1 - share)


def validate(run: Run, held: Shards) -> float:
    """Loss on held-out scenes with fixed noise: comparable between runs."""
    rng, random = np.random.default_rng(5), torch.random.get_rng_state()
    torch.manual_seed(6)
    latents, maps, scenes = held.pick(rng, 96)
    levels = torch.linspace(0.05, 0.95, 96)[torch.randperm(96)]
    live, run.transformer = run.transformer, run.average
    hook = run.average.single_transformer_blocks[AFTER].register_forward_hook(run._keep)
    with torch.no_grad():
        loss = run.loss(latents, maps, scenes, rng, levels)[0].item()
    hook.remove()
    run.transformer = live
    torch.random.set_rng_state(random)
    return loss


def pace(state: dict[str, float], finishing: float | None) -> tuple[float, float]:
    """Learning rate factor and tutor's share; `finishing` is how much of the finish is done."""
    factor = min(1.0, (state["step"] + 1) / 150)
    weight = max(0.1, 1 - state["seen"] / 400_000)
    return (factor, weight) if finishing is None else (1 - finishing, weight * (1 - finishing))


def train(team: teams.Team, work: Path, minutes: float, total: float, batch: int, tutoring: float, finish: float,
          save_minutes: float = 3) -> None:  # fmt: skip
    """Train for so many minutes more, or finish: let the rate fall to nothing within `finish`."""
    log = Log(work / ("finish.log" if finish else "base.log"))
    stack = texts.load(work)
    run = Run(stack)
    path = work / "base.pt"
    state = {"step": 0, "seen": 0, "seconds": 0.0}
    if path.exists():
        state = load_state(path, run.parts())
    if total:
        minutes = max(0.0, total - state["seconds"] / 60)
    if finish:
        path = work / "finish.pt"
        minutes = finish
    shards, held = Shards(work / "latents"), Shards(work / "latents", "held")
    seed = int(state["step"]) * 64 + team.rank
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    parameters = list(run.trained.parameters())
    start, last_save, told = state["seconds"], time.monotonic(), []
    team.lap()
    while state["seconds"] - start < minutes * 60:
        done = (state["seconds"] - start) / (minutes * 60)
        factor, weight = pace(state, done if finish else None)
        for group in run.optimiser.param_groups:
            group["lr"] = LR * factor
        main, tutor = run.loss(*shards.pick(rng, batch), rng)
        run.optimiser.zero_grad()
        (main + tutoring * weight * tutor).backward()
        spent, main_loss, tutor_loss = team.average(parameters, [team.lap(), main.item(), tutor.item()])
        nn.utils.clip_grad_norm_(parameters, 1.0)
        run.optimiser.step()
        run.follow(int(state["step"]), 0.99 if finish and done > 0.5 else 0.998)
        told.append((main_loss, tutor_loss))
        state["step"] += 1
        state["seen"] += batch * team.size
        state["seconds"] += spent
        if state["step"] % 100 == 0:
            shards.refresh()
        if not team.leads:
            continue
        if state["step"] % 50 == 0:
            means = np.mean(told[-50:], axis=0)
            log(f"step {state['step']} seen {state['seen']} min {state['seconds'] / 60:.1f} loss {means[0]:.4f}"
                f" tutor {means[1]:.3f} img/s {batch * team.size / spent:.1f} of {len(shards)}")  # fmt: skip
        if state["step"] % 250 == 0:
            log(f"  held-out {validate(run, held):.4f}")
        if time.monotonic() - last_save > save_minutes * 60:
            save_state(path, state, run.parts())
            last_save = time.monotonic()
    if team.leads:
        save_state(path, state, run.parts())
        log(f"stopped at step {state['step']}, seen {state['seen']}, held-out {validate(run, held):.4f}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--minutes", type=float, default=60, help="so much more")
    parser.add_argument("--total", type=float, default=0, help="instead: so much in all, earlier runs included")
    parser.add_argument("--finish", type=float, default=0, help="minutes of falling rate")
    parser.add_argument("--batch", type=int, default=24, help="per worker")
    parser.add_argument("--tutoring", type=float, default=0.3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    teams.run(train, options.workers, options.work, options.minutes, options.total, options.batch,
              options.tutoring, options.finish)  # fmt: skip


if __name__ == "__main__":
    main()
