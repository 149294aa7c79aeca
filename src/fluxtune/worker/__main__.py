"""`python -m fluxtune.worker [DATA]`: how the server starts its worker."""

import sys
from pathlib import Path

from fluxtune.config import load_settings
from fluxtune.worker.manners import give_way
from fluxtune.worker.process import WorkerRunning, run_worker

# Tells the server that another worker is at work already, which is fine.
ALREADY_RUNNING = 75


def main() -> int:
    """Run a worker on a data folder."""
    give_way()
    settings = load_settings(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    try:
        run_worker(settings, console=False)
    except WorkerRunning:
        return ALREADY_RUNNING
    return 0


if __name__ == "__main__":
    sys.exit(main())
