"""What a run's events and checkpoints cost beside its steps: `python -m benchmarks.train_overheads`.

One run, measured from inside: every step, all that is said and looked up between two steps, every event (of the
heartbeat's thread, too), and what a checkpoint holds the run up. The promise: events take under 1 % of step time, and a
checkpoint stalls a run by less than one step.
"""

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.train import SAMPLES, SUFFIXES, write_run
from fluxtune.engine.bases import describe_base, shipped_bases
from fluxtune.engine.recipes import recipe_for

LEFT_OUT = 3
"""First steps, while memory is got and caches fill."""
MOST_EVENTS, MOST_STALL = 0.01, 1.0
Times = list[tuple[float, float]]
"""Seconds of the clock and of this thread's processor."""


def main() -> None:
    """Train once and print the table; the exit code is 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=shipped_bases() / "pocket")
    parser.add_argument("--images", type=Path, default=SAMPLES / "character")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=15, help="steps between checkpoints")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(Path(scratch) / "run", options.base, options.images, options.steps, options.every)
    rows = table(found)
    for row in rows:
        print("{:44} {:>10} {:>13} {:>16}".format(*row))
    if not is_kept(found):
        raise SystemExit("A promise is broken.")


def measure(run: Path, base: Path, images: Path, steps: int, every: int) -> dict[str, Times]:
    """Train in a run folder; return how long each step, gap between steps, event and checkpoint took."""
    from fluxtune.engine.__main__ import train
    from fluxtune.engine.learner import Learner
    from fluxtune.engine.runfolder import EventLog, RunFolder
    from fluxtune.engine.trainer import Trainer

    described = describe_base(base)
    count = len([file for file in images.iterdir() if file.suffix in SUFFIXES])
    settings = {"steps": steps, "checkpoint_every": every, "sample_every": 0, "validate_every": 0}
    write_run(run, base, images, recipe_for("character", "draft", described, count, settings), "zubo", "character")
    found: dict[str, Times] = {"step": [], "between": [], "event": [], "checkpoint": []}
    # A checkpoint says two events itself, which count as events too; `between` has both taken out.
    with (
        timed(Learner, "train_step", found["step"]),
        timed(Trainer, "_step_and_save", found["between"]),
        timed(EventLog, "write", found["event"]),
        timed(Trainer, "_save_checkpoint", found["checkpoint"]),
    ):
        if train(RunFolder(run)) != 0:
            raise SystemExit("The run failed.")
    saved = [times for number, times in enumerate(found["between"], 1) if number % every == 0]
    plain = [times for number, times in enumerate(found["between"], 1) if number % every and number > LEFT_OUT]
    steps_of = dict(enumerate(found["step"], 1))
    own = [number for number in steps_of if number % every and number > LEFT_OUT]
    found["between"] = [
        (whole[0] - steps_of[number][0], whole[1] - steps_of[number][1])
        for number, whole in zip(own, plain, strict=True)
    ]
    # The last is saved at the end of the run, which waits for it.
    found["checkpoint"] = [
        (whole[0] - steps_of[number][0], whole[1] - steps_of[number][1])
        for number, whole in zip(range(every, steps, every), saved, strict=False)
    ]
    found["after a checkpoint"] = [steps_of[number + 1] for number in range(every, steps, every)]
    found["step"] = [steps_of[number] for number in own if (number - 1) % every]
    return found


@contextmanager
def timed(owner: type, name: str, times: Times) -> Iterator[None]:
    """Note how long each call of a method takes."""
    original: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(original)
    def call(*arguments: Any, **values: Any) -> Any:
        started = time.perf_counter(), time.thread_time()
        try:
            return original(*arguments, **values)
        finally:
            times.append((time.perf_counter() - started[0], time.thread_time() - started[1]))

    setattr(owner, name, call)
    try:
        yield
    finally:
        setattr(owner, name, original)


def median(times: Times) -> tuple[float, float]:
    """Return the medians of clock and processor."""
    clock, processor = zip(*times, strict=True)
    return statistics.median(clock), statistics.median(processor)


def ratios(found: dict[str, Times]) -> tuple[float, float]:
    """Return what is between two steps, and what a checkpoint holds up, in steps, by the clock."""
    step = median(found["step"])[0]
    return median(found["between"])[0] / step, median(found["checkpoint"])[0] / step


def is_kept(found: dict[str, Times]) -> bool:
    """Are both promises kept?"""
    events, stall = ratios(found)
    return events < MOST_EVENTS and stall < MOST_STALL


def table(found: dict[str, Times]) -> list[tuple[str, str, str, str]]:
    """Return the rows to print."""
    step = median(found["step"])
    titles = {
        "step": "one step",
        "event": "one event",
        "between": "between two steps: events, requests, meters",
        "checkpoint": "a checkpoint holds up",
        "after a checkpoint": "the step beside its writing",
    }
    rows = [("median of each", "clock, ms", "processor, ms", "clock, in steps")]
    for name, title in titles.items():
        clock, processor = median(found[name])
        rows.append((title, f"{1000 * clock:.2f}", f"{1000 * processor:.2f}", f"{clock / step[0]:.4f}"))
    return rows


if __name__ == "__main__":
    main()
