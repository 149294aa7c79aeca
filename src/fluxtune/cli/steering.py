"""More of `fluxtune finetune`: samples and checkpoints now, going on from what was learnt, recipes, probes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fluxtune.cli.exits import code_of_end
from fluxtune.cli.follow import follow_job
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, duration, facts, print_problem, size
from fluxtune.cli.runs import (
    FinetuneArgument,
    act,
    build_request,
    find_finetune,
    follow_finetune,
    read_recipe_file,
    read_settings,
    render_finetune,
)
from fluxtune.cli.studio import Studio, open_studio
from fluxtune.client import Client
from fluxtune.engine.recipes import Quality
from fluxtune.finetunes.schemas import Finetune, Probe

FollowOption = Annotated[bool, typer.Option("--follow", help="Wait for the end and show progress.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting of the recipe; repeatable.")
]


def sample(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Draw the samples of a running finetune now."""
    act(finetune, Client.sample_finetune, data, json)


def save(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Save a checkpoint of a running finetune now."""
    act(finetune, Client.save_finetune, data, json)


def keep(
    finetune: FinetuneArgument,
    step: Annotated[int, typer.Option(min=1, help="The checkpoint to keep.", show_default=False)],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a checkpoint a version of the finetune's model; the one trained furthest stays the usual one."""
    output = Output(json)
    with open_studio(data, output) as studio:
        model = studio.client.keep_checkpoint(find_finetune(studio.client, finetune).id, step)
    version = next(each for each in model.versions if each.step == step)
    output.result(
        model, lambda out: out.print(f"Step {step} is a version of “{model.name}”: {version.id}", markup=False)
    )


def extend(
    finetune: FinetuneArgument,
    steps: Annotated[int, typer.Option(min=1, max=20_000, help="How many steps more.", show_default=False)],
    follow: FollowOption = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let a finished finetune go on for more steps; its model gets a new version.

    A learning rate schedule other than constant is stretched over the new number of steps.
    """
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        found = find_finetune(studio.client, finetune)
        _go_on(studio, studio.client.extend_finetune(found.id, steps), follow, output)


def restart(
    finetune: FinetuneArgument,
    step: Annotated[int, typer.Option(min=1, help="The checkpoint to go on from.", show_default=False)],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call the new finetune.")] = None,
    set_: SetOption = None,
    follow: FollowOption = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Start a new finetune from a checkpoint of another one, with changed settings."""
    output = Output(json)
    settings = read_settings(set_ or [])
    with open_studio(data, output, works=True) as studio:
        found = find_finetune(studio.client, finetune)
        values: dict[str, Any] = {"recipe": settings} | ({"name": name} if name is not None else {})
        _go_on(studio, studio.client.restart_finetune(found.id, step, **values), follow, output)


def recipe(
    finetune: FinetuneArgument,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Print the complete recipe document of a finetune, for `start --recipe`."""
    output = Output(json)
    with open_studio(data, output) as studio:
        text = studio.client.finetune_recipe(find_finetune(studio.client, finetune).id)
        document = studio.client.read_recipe(text) if json else None
    if out is not None:
        out.write_text(text, encoding="utf-8")
        output.note(f"Written to {out}.")
    if document is not None:
        output.result(document, lambda console: None)
    elif out is None:
        print(text, end="")


def _measure(client: Client, request: dict[str, Any], output: Output) -> Probe:
    started = client.start_probe(**request)
    follow_job(client, started.job_id, output, "Measuring")
    measured = client.get_probe(started.id)
    if measured.state != "succeeded":
        if measured.error is not None:
            print_problem(measured.error, output.as_json)
        raise typer.Exit(code_of_end(measured.state, measured.error))
    return measured


def _go_on(studio: Studio, finetune: Finetune, follow: bool, output: Output) -> None:
    if follow or studio.is_temporary:
        follow_finetune(studio.client, finetune, output)
        return
    output.result(finetune, lambda out: render_finetune(finetune, out))
    output.note(f"Follow it with: fluxtune finetune watch {finetune.id}")


def probe(
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME|ID", help="The dataset to learn from; a recipe may name it.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(metavar="FILE", help="A recipe document (YAML).")] = None,
    template: Annotated[str | None, typer.Option(metavar="NAME|ID", help="A template to begin with.")] = None,
    base: Annotated[str | None, typer.Option(metavar="NAME", help="The base to teach; pocket when not given.")] = None,
    quality: Annotated[Quality | None, typer.Option(help="How good; balanced when not given.")] = None,
    set_: SetOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Measure a few real steps on this computer: memory, time and disk of a finetune before it starts."""
    output = Output(json)
    settings = read_settings(set_ or [])
    text = read_recipe_file(recipe) if recipe is not None else None
    own = {"base": base, "quality": quality}
    with open_studio(data, output, works=True) as studio:
        request = build_request(studio.client, dataset, template, text, own, settings)
        measured = _measure(studio.client, request, output)
    rows = [
        ("seconds a step", f"{measured.seconds_per_step:.3f} ± {measured.seconds_per_step_spread:.3f}"),
        ("memory", _room(measured.memory_bytes or 0, measured.device_memory_bytes or 0)),
        ("a checkpoint", size(measured.disk_bytes or 0)),
        ("loading", duration(measured.load_seconds)),
        ("a sample", duration(measured.seconds_per_sample)),
        ("device", measured.device),
    ]
    output.result(measured, lambda console: console.print(facts(rows)))


def _room(needed: int, there: int) -> str:
    if not there:
        return size(needed)
    verdict = f"fits with {size(there - needed)} to spare" if there >= needed else "does not fit"
    return f"{size(needed)} of {size(there)}: {verdict}"


def add_commands(app: typer.Typer) -> None:
    """Add these commands to `fluxtune finetune`."""
    for command in (sample, save, keep, extend, restart, recipe, probe):
        app.command()(command)
