"""The engine's processes: `python -m fluxtune.engine train RUN_DIR`, `… probe RUN_DIR`,
`… generate`, `… health RUN_DIR` and `… caption`.

Exit codes: 0 it ended as its last event says, 1 it failed, 2 wrong usage, 3 another process has the run.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import ValidationError

from fluxtune.core.errors import DeviceLost, EngineCrashed, FluxtuneError, InvalidInput, NotReady
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.doctor import check_engine
from fluxtune.engine.events import GeneratorEvent, GeneratorEventType
from fluxtune.engine.health.process import check_health
from fluxtune.engine.reporter import say_succeeded
from fluxtune.engine.runfolder import EventLog, RunFolder, RunLocked
from fluxtune.engine.runtime import as_fluxtune_error, make_deterministic, prepare_environment, quieten_libraries

if TYPE_CHECKING:
    from fluxtune.engine.generator import Generator

USAGE = "usage: python -m fluxtune.engine train RUN_DIR | probe RUN_DIR | generate | health RUN_DIR | caption"
FAILED, WRONG_USAGE, LOCKED = 1, 2, 3


def main(argv: list[str]) -> int:
    """Run one engine process; return its exit code."""
    if len(argv) == 2 and argv[0] == "train":
        prepare_environment(argv)
        return train(RunFolder(Path(argv[1])))
    if argv == ["generate"]:
        prepare_environment(argv)
        return generate()
    if argv == ["caption"]:
        prepare_environment(argv)
        return caption()
    if len(argv) == 2 and argv[0] == "probe":
        prepare_environment(argv)
        return probe(Path(argv[1]))
    if argv[:1] == ["health"] and (len(argv) == 2 or argv[2:] == ["--attached"]):
        prepare_environment(argv)
        return health(Path(argv[1]), is_attached=len(argv) == 3)
    print(USAGE, file=sys.stderr)
    return WRONG_USAGE


def train(folder: RunFolder) -> int:
    """Train the run in a folder, or go on with it, unless another process does."""
    if not folder.path.is_dir():
        print(f"There is no folder {folder.path}.", file=sys.stderr)
        return WRONG_USAGE
    try:
        with folder.locked():
            log = EventLog(folder.events)
            try:
                _train_locked(folder, log)
            finally:
                log.close()
    except RunLocked as error:
        print(error, file=sys.stderr)
        return LOCKED
    except FluxtuneError as error:
        traceback.print_exception(error)
        return FAILED
    return 0


def _train_locked(folder: RunFolder, log: EventLog) -> None:
    """Write everything that goes wrong before there is a trainer into the log, too."""
    try:
        _require_engine()
        result = folder.read_result()
        if result is not None and result.steps >= folder.read_config().recipe.steps:
            say_succeeded(log, result)
            return
        from fluxtune.engine.trainer import Trainer

        quieten_libraries()
        trainer = Trainer(folder, log)
    except Exception as error:
        problem = as_fluxtune_error(error, "starting")
        log.write("run.failed", error=problem.as_record())
        raise problem from error
    before = signal.signal(signal.SIGTERM, lambda *_: trainer.reporter.shut_down())
    try:
        trainer.run()
    finally:
        signal.signal(signal.SIGTERM, before)


def probe(folder: Path) -> int:
    """Measure a few steps of the run in a folder, into its `probe.json`."""
    if not folder.is_dir():
        print(f"There is no folder {folder}.", file=sys.stderr)
        return WRONG_USAGE
    try:
        _require_engine()
        from fluxtune.engine.probe import probe as measure

        quieten_libraries()
        measure(RunFolder(folder))
    except FluxtuneError as error:
        traceback.print_exception(error)
        return FAILED
    return 0


def health(run: Path, *, is_attached: bool) -> int:
    """Measure the checkpoints of a finished run (`health/`), or go on with it; `is_attached`: end with our parent."""
    if not run.is_dir():
        print(f"There is no folder {run}.", file=sys.stderr)
        return WRONG_USAGE
    events = _claim_stdout()

    def write(line: str) -> None:
        events.write(line)
        events.flush()

    return check_health(run, write, is_attached=is_attached, require=_require_engine)


def caption() -> int:
    """Describe images that stdin names until it ends."""
    from fluxtune.engine.captioning.process import run_captioner

    events = _claim_stdout()

    def write(line: str) -> None:
        events.write(line)
        events.flush()

    return run_captioner(sys.stdin, write, _require_engine)


def generate() -> int:
    """Answer requests from stdin until it ends. A line `{"cancel": ID}` takes a request back."""
    events = _claim_stdout()
    lock = threading.Lock()

    def say(type_: GeneratorEventType, /, **data: Any) -> None:
        with lock:
            events.write(GeneratorEvent(type=type_, data=data).model_dump_json() + "\n")
            events.flush()

    requests: queue.Queue[str | None] = queue.Queue()
    cancelled: set[str] = set()
    threading.Thread(target=_read_requests, args=(requests, cancelled), name="stdin", daemon=True).start()
    try:
        _require_engine()
        from fluxtune.engine.generator import Generator

        quieten_libraries()
        make_deterministic(0)
        generator = Generator(say)
    except Exception as error:
        say("generation.failed", id=None, error=as_fluxtune_error(error, "starting").as_record())
        return FAILED
    say("generator.ready", device=generator.device.name)
    while (line := requests.get()) is not None:
        if not _answer(generator, line, cancelled, say):
            return FAILED
    return 0


def _answer(generator: "Generator", line: str, cancelled: set[str], say: Any) -> bool:
    """Do what a line asks; return whether this process can go on."""
    from fluxtune.engine.generator import Cancelled

    request_id = None
    try:
        request = _parse(line)
        request_id = request.id

        def check() -> None:
            if request.id in cancelled:
                raise Cancelled

        generator.generate(request, check)
    except Cancelled:
        say("generation.cancelled", id=request_id)
    except Exception as error:
        problem = as_fluxtune_error(error, "generating")
        if isinstance(problem, EngineCrashed):
            problem.action = "Try again; if it happens again, look at the log."
            traceback.print_exception(error)
        if problem.slug == "out-of-memory":
            generator.unload()
        if isinstance(problem, DeviceLost):
            problem.action = "Try again; if it happens again, restart the computer."
        say("generation.failed", id=request_id, error=problem.as_record())
        return not isinstance(problem, DeviceLost)  # what is left of it can't compute; the next process may
    return True


def _parse(line: str) -> GenerationRequest:
    try:
        return GenerationRequest.model_validate_json(line)
    except ValidationError as error:
        raise InvalidInput("The request has missing or wrong fields.", technical=str(error)) from error


def _read_requests(requests: "queue.Queue[str | None]", cancelled: set[str]) -> None:
    for line in sys.stdin:
        try:
            wish = json.loads(line)
        except ValueError:
            wish = None
        if isinstance(wish, dict) and set(wish) == {"cancel"}:
            cancelled.add(str(wish["cancel"]))
        elif line.strip():
            requests.put(line)
    requests.put(None)


def _claim_stdout() -> TextIO:
    """Keep stdout for events: whatever a library prints goes to stderr."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _require_engine() -> None:
    check = check_engine()
    if not check.is_ready:
        raise NotReady(
            f"Python packages are missing: {', '.join(check.missing)}.",
            title="The local engine is not installed",
            action=f"Run: {check.command}",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
