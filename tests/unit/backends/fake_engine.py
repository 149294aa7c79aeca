"""Stands in for the engine: behaves as `behaviour.json` says, one entry a start. No torch: it starts at once."""

import fcntl
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path


class FakeTrainer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = folder / "events.jsonl"
        self.seq = len(self.events.read_text().splitlines()) if self.events.exists() else 0
        starts = folder / "starts"
        self.start = int(starts.read_text()) if starts.exists() else 0
        starts.write_text(str(self.start + 1))
        behaviours = json.loads((folder / "behaviour.json").read_text())
        self.behaviour = behaviours[min(self.start, len(behaviours) - 1)]

    def say(self, kind: str, **data: object) -> None:
        self.seq += 1
        event = {"seq": self.seq, "at": datetime.now(UTC).isoformat(), "type": kind, "data": data}
        with self.events.open("a") as file:
            file.write(json.dumps(event) + "\n")

    def asked(self) -> str | None:
        return next((name for name in ("cancel", "stop", "pause") if self.wants(name)), None)

    def wants(self, name: str) -> bool:
        return (self.folder / "control" / name).exists()

    def obey(self, *names: str) -> None:
        for name in names:
            (self.folder / "control" / name).unlink(missing_ok=True)

    def run(self) -> None:
        self.say("run.started", start=self.start)
        if self.behaviour == "crash":
            print("Segmentation fault of the tests", file=sys.stderr)
            sys.exit(139)
        if self.behaviour == "checkpoint, crash":
            self.say("run.checkpointed", step=self.start, folder="x", byte_count=1)
            sys.exit(139)
        if self.behaviour == "shutdown":
            self.say("run.paused", step=1, reason="shutdown")
            sys.exit(0)
        if self.behaviour == "fail":
            problem = {"type": "/errors/out-of-memory", "title": "Out of memory", "status": 500, "detail": "",
                       "action": "", "errors": [], "technical": None}  # fmt: skip
            self.say("run.failed", error=problem)
            sys.exit(1)
        if self.behaviour == "succeed":
            self.say("run.progressed", step=1, steps=1)
            self.say("run.succeeded", step=1, adapter="adapter.safetensors", stopped_early=False)
            sys.exit(0)
        self.wait()

    def wait(self) -> None:
        """Work until asked to end, as `obedient` or `stubborn`; `loaded` waits when it is paused."""
        if self.behaviour in ("obedient", "loaded"):
            signal.signal(signal.SIGTERM, self.terminated)
        while True:
            for wish in ("sample", "save"):
                if self.wants(wish):
                    self.obey(wish)
                    self.say("run.logged", level="info", message=wish)
            if self.behaviour == "loaded" and self.asked() == "pause":
                if not self.wait_loaded():
                    return
                continue
            if self.behaviour == "loaded" and self.asked() is not None:
                self.behaviour = "obedient"
            asked = self.asked()
            if self.behaviour == "obedient" and asked == "pause":
                self.say("run.paused", step=1, reason="user")
                return
            if self.behaviour == "obedient" and asked == "cancel":
                self.say("run.cancelled", step=1)
                return
            if self.behaviour == "obedient" and asked == "stop":
                self.say("run.succeeded", step=1, adapter="adapter.safetensors", stopped_early=True)
                return
            time.sleep(0.01)

    def wait_loaded(self) -> bool:
        """Wait as a paused trainer does; return whether to go on."""
        self.obey("pause", "resume")
        self.say("run.paused", step=1, reason="user", is_loaded=True)
        until = time.monotonic() + float(os.environ.get("FLUXTUNE_PAUSE_SECONDS", "900"))
        while time.monotonic() < until and not self.wants("leave"):
            if self.wants("resume"):
                self.obey("resume")
                self.say("run.resumed", step=1)
                return True
            if self.asked() in ("cancel", "stop"):
                return True
            time.sleep(0.01)
        return False

    def terminated(self, *_: object) -> None:
        self.say("run.paused", step=1, reason="shutdown")
        sys.exit(0)


def train(folder: Path) -> int:
    with (folder / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return 3
        FakeTrainer(folder).run()
    return 0


def generate() -> int:
    print(json.dumps({"type": "generator.ready", "data": {"device": "cpu"}}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "cancel" in request:
            print(json.dumps({"type": "generation.cancelled", "data": {"id": request["cancel"]}}), flush=True)
            continue
        out = Path(request["out_dir"])
        died = out / "died"
        if request["prompt"] == "die always" or (request["prompt"] == "die once" and not died.exists()):
            died.touch()
            print("Bus error of the tests", file=sys.stderr)
            return 135
        if request["prompt"] == "never":
            continue
        data = {"id": request["id"], "index": 0, "file": str(out / "0.png"), "seed": request["seeds"][0], "seconds": 0}
        print("something a library prints", flush=True)
        print(json.dumps({"type": "generation.image", "data": data}), flush=True)
        done = {"id": request["id"], "seconds": 0, "peak_memory_bytes": 0}
        print(json.dumps({"type": "generation.succeeded", "data": done}), flush=True)
    return 0


def probe(folder: Path) -> int:
    behaviour = json.loads((folder / "behaviour.json").read_text())
    if behaviour == "crash":
        print("Bus error of the tests", file=sys.stderr)
        return 135
    if behaviour == "slow":
        time.sleep(60)
    (folder / "probe.json").write_text(json.dumps(behaviour))
    return 0 if "error" not in behaviour else 1


if __name__ == "__main__":
    if sys.argv[1] == "probe":
        sys.exit(probe(Path(sys.argv[2])))
    sys.exit(train(Path(sys.argv[2])) if sys.argv[1] == "train" else generate())
