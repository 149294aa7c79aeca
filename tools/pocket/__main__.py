"""Make `pocket` from nothing: `python -m tools.pocket`.

Every stage keeps its state in the work folder. Stopped at any moment, the same command goes on
where it was; stages that are done are skipped. With a work folder from an earlier session,
`--base-minutes` prolongs the training of the base.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def stage(name: str, *options: str) -> None:
    """Run one stage as a process of its own, and stop everything if it fails."""
    print(f"pocket: {name} {' '.join(options)}", flush=True)
    subprocess.run([sys.executable, "-m", f"tools.pocket.{name}", *options], check=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.pocket", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--to", type=Path, default=Path("src/fluxtune/engine/bases/pocket"))
    parser.add_argument("--codec-minutes", type=float, default=40, help="encoder with half a decoder")
    parser.add_argument("--decoder-minutes", type=float, default=40, help="whole decoder alone")
    parser.add_argument("--base-minutes", type=float, default=240)
    parser.add_argument("--finish-minutes", type=float, default=30, help="falling rate before export")
    parser.add_argument("--shards", type=int, default=80, help="of 1024 pictures each")
    parser.add_argument("--workers", type=int, default=2, help="training processes, one per core")
    options = parser.parse_args()
    work = ["--work", str(options.work)]
    team = ["--workers", str(options.workers)]

    def done(name: str) -> bool:
        return (options.work / name).exists()

    if not done("text.pt"):
        stage("text", *work)
    if not done("latents/shard-0000.npz"):
        stage("vae", "encoder", *work, *team, "--minutes", str(options.codec_minutes))
    stage("data", *work, "--shards", str(options.shards))
    stage("vae", "decoder", *work, *team, "--minutes", str(options.decoder_minutes))
    stage("train", *work, *team, "--total", str(options.base_minutes))
    stage("train", *work, *team, "--finish", str(options.finish_minutes))
    stage("export", *work, "--checkpoint", "finish", "--to", str(options.to))
    stage("measure", *work, "--base", str(options.to))
    stage("sheet", "--base", str(options.to))


if __name__ == "__main__":
    main()
