"""`fluxtune queue`: what runs and what waits, in turn."""

from typing import Annotated

import typer

from fluxtune.cli.find import find
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import open_studio
from fluxtune.jobs.schemas import Job

app = typer.Typer(add_completion=False, help=COMMANDS["queue"][1], no_args_is_help=True)


def _find(jobs: list[Job], wanted: str) -> Job:
    """Return a job by its own id, by the id or name of what it makes, or by its title."""
    meant = [job for job in jobs if wanted == job.target_id or f"“{wanted}”".casefold() in job.title.casefold()]
    if len(meant) == 1:
        return meant[0]
    return find(jobs, wanted, "job", name=lambda each: each.title, id_=lambda each: each.id)


def _show(jobs: list[Job], output: Output) -> None:
    rows = [(job.id, job.title, job.kind, job.state, ago(job.created_at)) for job in jobs]
    output.result(jobs, lambda out: out.print(table(["id", "title", "kind", "state", "asked for"], rows)))


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List what runs, then what waits in the order it will run."""
    output = Output(json)
    with open_studio(data, output) as studio:
        jobs = studio.client.queue()
    _show(jobs, output)


@app.command()
def move(
    job: Annotated[str, typer.Argument(metavar="JOB", help="Id or title of the job, or id or name of its finetune.")],
    before: Annotated[
        str | None, typer.Option(metavar="JOB", help="The waiting job it shall run before; last when not given.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let a waiting job run before another one, or last."""
    output = Output(json)
    with open_studio(data, output) as studio:
        jobs = studio.client.queue()
        other = _find(jobs, before).id if before is not None else None
        moved = studio.client.move_job(_find(jobs, job).id, other)
    _show(moved, output)
