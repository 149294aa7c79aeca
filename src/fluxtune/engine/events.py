"""What the engine says, one JSON object a line. No torch here.

A run folder (the whole story of a run, enough to resume it):

    run.json               RunConfig
    snapshot/              snapshot.json (Snapshot) and the image files it names
    run.lock               held (flock) by the living trainer
    events.jsonl           append-only RunEvent lines, seq rising by one
    control/               empty files from the worker, obeyed between steps:
                           `stop` (stop and keep), `cancel`, `pause` (save, stay loaded, wait), `resume` (go on waiting
                           no longer), `leave` (a paused trainer ends), `sample` and `save` (now; removed when done)
    checkpoints/step-000100/   adapter.safetensors, optimizer.safetensors, state.json (atomic: renamed into place)
    samples/base-0.png     untouched base, prompt 0;  samples/step-000100-0.png  with the adapter at step 100
    adapter.safetensors    the result, written last
    result.json            RunResult, written after it
    trainer.log            stderr of the trainer
    cache/                 latents and text embeddings; removed when the run is over
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

RunEventType = Literal[
    "run.started",  # {steps, resumed_from, device, image_count}
    "run.phase",  # {phase: "loading"|"caching"|"sampling base"|"training"|"sampling"|"saving", done, total}
    # {step, steps, loss, learning_rate, grad_norm, seconds_per_step, eta_s, memory_bytes, device_load (0-1 or null)}
    "run.progressed",
    # {step, loss, base_loss (of the untouched base, same noise), by_sigma: {"0.25": loss}, on: "held-out"|"training",
    #  image_count}
    "run.validated",
    "run.image_losses",  # {step, losses: [{index, loss, count}]}  mean since the last such event, by place in snapshot
    # {step, trouble: "out-of-memory"|"loss-not-finite", message, changes: {setting: [before, after]}, goes_on_from}
    "run.healed",
    "run.resumed",  # {step}  after run.paused, by the same process
    "run.sampled",  # {step (0 = untouched base), index, prompt, file, seed}
    "run.checkpointed",  # {step, folder, byte_count}
    "run.logged",  # {level, message}
    "run.heartbeat",  # {}  at least every 5 s
    "run.succeeded",  # {step, adapter, stopped_early}
    "run.cancelled",  # {step}
    "run.paused",  # {step, reason: "user"|"disk-full"|"shutdown", is_loaded (the model stays in memory)}
    "run.failed",  # {error: Problem record}
]

TERMINAL = {"run.succeeded", "run.cancelled", "run.paused", "run.failed"}


class RunEvent(BaseModel):
    """One line of `events.jsonl`."""

    seq: int
    at: datetime
    type: RunEventType
    data: dict[str, Any]


class RunResult(BaseModel):
    """`result.json`: how the run ended well."""

    step: int
    steps: int
    seconds: float
    seconds_per_step: float
    peak_memory_bytes: int
    adapter_sha256: str
    adapter_bytes: int
    final_loss: float


GeneratorEventType = Literal[
    "generator.ready",  # {device}
    "generation.phase",  # {id, phase: "loading base"|"loading adapter"|"generating", note?: str}
    "generation.progressed",  # {id, index, step, steps}
    "generation.image",  # {id, index, file, seed, seconds}
    "generation.succeeded",  # {id, seconds, peak_memory_bytes}
    "generation.failed",  # {id (null: the generator can't start, or the line was no request), error: Problem record}
    "generation.cancelled",  # {id}  a line {"cancel": id} took it back
]


class GeneratorEvent(BaseModel):
    """One line the resident generator prints on stdout; requests come in as GenerationRequest lines on stdin.

    A line `{"cancel": id}` on stdin takes back a waiting or running request; end of input ends the process.
    """

    type: GeneratorEventType
    data: dict[str, Any]
