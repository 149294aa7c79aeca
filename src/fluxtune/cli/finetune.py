"""`fluxtune finetune`: start, watch and steer finetunes."""

import json as jsonlib
from collections.abc import Callable
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from fluxtune.cli.dataset import find_dataset
from fluxtune.cli.find import find
from fluxtune.cli.follow import exit_code_of, follow_job
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, duration, facts, print_problem, size, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput
from fluxtune.engine.config import Mode, Recipe
from fluxtune.engine.recipes import Quality
from fluxtune.finetunes.schemas import Finetune, FinetunePlan

app = typer.Typer(add_completion=False, help=COMMANDS["finetune"][1], no_args_is_help=True)

FinetuneArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which finetune.")]


def find_finetune(client: Client, wanted: str) -> Finetune:
    """Return the finetune with this name or id."""
    return find(client.finetunes(), wanted, "finetune", name=lambda each: each.name, id_=lambda each: each.id)


def read_settings(pairs: list[str]) -> dict[str, Any]:
    """Return recipe settings from `key=value` words; a value is read as YAML, so numbers and lists work."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or key not in Recipe.model_fields:
            raise InvalidInput(
                f"--set {pair}: " + (f"a recipe has no setting “{key}”." if equals else "the form is key=value."),
                action="`fluxtune finetune settings` lists all settings of a recipe.",
                field=key,
            )
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InvalidInput(f"--set {pair}: the value can't be read.", field=key, technical=str(error)) from error
        if isinstance(settings[key], str):
            settings[key] = _number(settings[key])
    return settings


def _number(value: str) -> str | float:
    """YAML reads 1e-3 as text; people mean a number."""
    try:
        return float(value)
    except ValueError:
        return value


@app.command()
def start(
    dataset: Annotated[str, typer.Option(metavar="NAME|ID", help="The dataset to learn from.", show_default=False)],
    base: Annotated[str, typer.Option(metavar="NAME", help="The base to teach.")] = "pocket",
    mode: Annotated[
        Mode | None, typer.Option(help="What is being taught; the dataset's own when not given.", show_default=False)
    ] = None,
    quality: Annotated[Quality, typer.Option(help="How good, and so how long.")] = "balanced",
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call the model.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="WORD", help="The word that will call it up.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting of the recipe; repeatable.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for the end and show progress.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would do and need.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Start a finetune. Without a running studio it runs to its end here."""
    output = Output(json)
    recipe = read_settings(set_ or [])
    with open_studio(data, output, works=not plan) as studio:
        client = studio.client
        request = {
            "dataset_id": find_dataset(client, dataset).id,
            "base": base,
            "mode": mode,
            "quality": quality,
            "name": name,
            "trigger_word": trigger,
            "recipe": recipe,
        }
        request = {key: value for key, value in request.items() if value is not None}
        planned = client.plan_finetune(**request)
        if plan:
            output.result(planned, lambda out: _render_plan(planned, out))
            return
        output.note(plan_line(planned))
        for warning in planned.warnings:
            output.warn(warning)
        finetune = client.start_finetune(**request)
        if follow or studio.is_temporary:
            _follow(client, finetune, output)
            return
    output.result(finetune, lambda out: _render(finetune, out))
    output.note(f"Follow it with: fluxtune finetune watch {finetune.id}")


def _follow(client: Client, finetune: Finetune, output: Output) -> None:
    """Follow to the end, print the result, and exit with what the end means."""
    try:
        follow_job(client, finetune.job_id, output, finetune.name)
    except KeyboardInterrupt:
        output.warn(f"The run is safe and goes on when a studio runs: fluxtune finetune watch {finetune.id}")
        raise
    ended = client.get_finetune(finetune.id)
    output.result(ended, lambda out: _render(ended, out))
    if ended.error and not output.as_json:
        print_problem(ended.error, False)
    code = exit_code_of(ended.state)
    if code:
        raise typer.Exit(code)


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the finetunes, newest first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        finetunes = studio.client.finetunes()
    rows = [
        (
            each.id,
            each.name,
            each.state,
            f"{each.step}/{each.steps}",
            each.base,
            each.dataset_name,
            ago(each.created_at),
        )
        for each in finetunes
    ]
    columns = ["id", "name", "state", "step", "base", "dataset", "started"]
    output.result(finetunes, lambda out: out.print(table(columns, rows)))


@app.command()
def show(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Show one finetune: its state, step, recipe and result."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_finetune(studio.client, finetune)
    output.result(found, lambda out: _render(found, out))


@app.command()
def watch(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Follow a finetune to its end. With --json every event is one line."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        found = find_finetune(studio.client, finetune)
        if json:
            for event in studio.client.follow(found.job_id):
                print(jsonlib.dumps(event.model_dump(mode="json")), flush=True)
            code = exit_code_of(studio.client.get_finetune(found.id).state)
            if code:
                raise typer.Exit(code)
            return
        _follow(studio.client, found, output)


def _act(finetune: str, action: Callable[[Client, str], Finetune], data: DataOption, json: bool) -> None:
    output = Output(json)
    with open_studio(data, output) as studio:
        changed = action(studio.client, find_finetune(studio.client, finetune).id)
    output.result(changed, lambda out: _render(changed, out))


@app.command()
def stop(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Stop a finetune and keep what it learned so far as a model."""
    _act(finetune, Client.stop_finetune, data, json)


@app.command()
def cancel(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Stop a finetune without making a model."""
    _act(finetune, Client.cancel_finetune, data, json)


@app.command()
def pause(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Save a finetune and let go of the device."""
    _act(finetune, Client.pause_finetune, data, json)


@app.command()
def resume(
    finetune: FinetuneArgument,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for the end and show progress.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let a paused or failed finetune go on from its last checkpoint."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        resumed = studio.client.resume_finetune(find_finetune(studio.client, finetune).id)
        if follow or studio.is_temporary:
            _follow(studio.client, resumed, output)
            return
    output.result(resumed, lambda out: _render(resumed, out))


@app.command()
def settings(json: JsonOption = False) -> None:
    """List every setting of a recipe, for `start --set`."""
    output = Output(json)
    schema = Recipe.model_json_schema()
    rows = [
        (name, values.get("default"), values.get("unit", ""), values["level"], values["description"])
        for name, values in schema["properties"].items()
    ]
    output.result(schema, lambda out: out.print(table(["setting", "default", "unit", "level", "what it does"], rows)))


def plan_line(plan: FinetunePlan) -> str:
    """Return the plan of a finetune in one line."""
    return (
        f"{plan.image_count} images, {plan.recipe.steps} steps ({plan.epochs:.0f} times each): "
        f"{duration(plan.seconds.low)} to {duration(plan.seconds.high)}, "
        f"{size(plan.memory_bytes.low)} to {size(plan.memory_bytes.high)} of memory, {size(plan.disk_bytes)} of disk"
    )


def _render_plan(plan: FinetunePlan, out: Console) -> None:
    out.print(plan_line(plan), markup=False)
    if not plan.fits:
        out.print("It does not fit on this computer.", markup=False)
    if plan.waits_behind:
        out.print(f"It waits behind {plan.waits_behind} other jobs.", markup=False)
    for warning in plan.warnings:
        out.print(f"! {warning}", markup=False)


def _render(finetune: Finetune, out: Console) -> None:
    took = None
    if finetune.started_at and finetune.finished_at:
        took = duration((finetune.finished_at - finetune.started_at).total_seconds())
    out.print(
        facts(
            [
                ("finetune", finetune.name),
                ("id", finetune.id),
                ("state", finetune.state + (f" ({finetune.phase})" if finetune.state == "running" else "")),
                ("waits for", finetune.waiting_for),
                ("step", f"{finetune.step} of {finetune.steps}"),
                ("time left", duration(finetune.eta_s) if finetune.eta_s is not None else None),
                ("loss", f"{finetune.loss:.4f}" if finetune.loss is not None else None),
                ("pace", f"{finetune.seconds_per_step:.2f} s/step" if finetune.seconds_per_step else None),
                ("peak memory", size(finetune.peak_memory_bytes) if finetune.peak_memory_bytes else None),
                ("took", took),
                ("dataset", f"{finetune.dataset_name} ({finetune.image_count} images)"),
                ("base", finetune.base),
                ("mode", f"{finetune.mode}, {finetune.quality}"),
                ("trigger word", finetune.trigger_word),
                ("model", finetune.model_id),
            ]
        )
    )
