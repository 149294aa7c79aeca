"""Seconds an image with a resident base, and memory: `python -m benchmarks.generate [--adapter FILE]`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fluxtune.engine.bases import describe_base, shipped_bases


def main() -> None:
    """Draw images one request at a time, with and without an adapter, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=shipped_bases() / "pocket")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--prompt", default="a red cat on a beach")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    kinds = {"base": None} | ({"adapter": options.adapter.resolve()} if options.adapter else {})
    with tempfile.TemporaryDirectory() as scratch:
        events, seconds_to_ready = talk(options, kinds, Path(scratch))
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    print(f"process ready            {seconds_to_ready:6.2f} s")
    medians = {}
    for kind in kinds:
        of_kind = [event["data"] for event in events if event["data"].get("id", "").startswith(kind)]
        images = [data["seconds"] for data in of_kind if "file" in data]
        whole = [data["seconds"] for data in of_kind if "peak_memory_bytes" in data]
        print(f"{kind:8} first request   {whole[0]:6.2f} s   (loads)")
        medians[kind] = statistics.median(images[1:])
        print(f"{kind:8} image, median   {medians[kind]:6.2f} s   fastest {min(images):.2f} s")
    if "adapter" in medians:
        print(f"with the adapter         {medians['adapter'] / medians['base']:6.2f} x the time of the base")
    peak = max(event["data"].get("peak_memory_bytes", 0) for event in events)
    print(f"peak memory              {peak / 2**30:6.2f} GiB")


def talk(
    options: argparse.Namespace, kinds: dict[str, Path | None], scratch: Path
) -> tuple[list[dict[str, Any]], float]:
    """Send the requests, kinds taking turns; return all events and the seconds until the process was ready."""
    base = describe_base(options.base)
    started = time.perf_counter()
    command = [sys.executable, "-m", "fluxtune.engine", "generate"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout
    events = [json.loads(child.stdout.readline())]
    ready = time.perf_counter() - started
    for number in range(options.rounds):
        for kind, adapter in kinds.items():
            request = {
                "id": f"{kind}-{number}", "base": base.name, "base_path": str(base.path.resolve()),
                "adapter_path": str(adapter) if adapter else None, "prompt": options.prompt, "seeds": [number],
                "width": base.default_width, "height": base.default_height, "steps": base.default_steps,
                "guidance": base.default_guidance, "out_dir": str(scratch / f"{kind}-{number}"),
            }  # fmt: skip
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            while events[-1]["type"] not in ("generation.succeeded", "generation.failed") or (
                events[-1]["data"]["id"] != request["id"]
            ):
                events.append(json.loads(child.stdout.readline()))
            if events[-1]["type"] == "generation.failed":
                raise SystemExit(json.dumps(events[-1]["data"]["error"], indent=2))
    child.stdin.close()
    child.wait()
    return events, ready


if __name__ == "__main__":
    main()
