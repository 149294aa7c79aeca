"""`fluxtune worker`: the process that runs jobs."""

import typer

from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption

app = typer.Typer(add_completion=False, help=COMMANDS["worker"][1])


@app.command()
def worker(data: DataOption = None) -> None:
    """Run only the process that trains and generates. `fluxtune serve` starts one by itself.

    On PostgreSQL as many as are started work side by side, each with a device of its own.
    """
    from fluxtune.config import load_settings
    from fluxtune.worker import run_worker
    from fluxtune.worker.manners import give_way

    give_way()
    run_worker(load_settings(data), is_only=False)
