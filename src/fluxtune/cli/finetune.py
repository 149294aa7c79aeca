"""`fluxtune finetune`: start, watch and steer finetunes."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from fluxtune.cli import steering
from fluxtune.cli.exits import code_of_end
from fluxtune.cli.follow import pause_reason
from fluxtune.cli.health import compare
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.runs import (
    FinetuneArgument,
    act,
    build_request,
    find_finetune,
    follow_finetune,
    plan_line,
    read_recipe_file,
    read_settings,
    render_finetune,
    render_plan,
)
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.engine.config import Mode, Recipe
from fluxtune.engine.recipes import Quality
from fluxtune.jobs.schemas import JobEvent

app = typer.Typer(add_completion=False, help=COMMANDS["finetune"][1], no_args_is_help=True)


@app.command()
def start(
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME|ID", help="The dataset to learn from; a recipe may name it.")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A recipe document (YAML, `-` reads stdin); other options go before it."),
    ] = None,
    template: Annotated[str | None, typer.Option(metavar="NAME|ID", help="A template to begin with.")] = None,
    base: Annotated[str | None, typer.Option(metavar="NAME", help="The base to teach; pocket when not given.")] = None,
    server: Annotated[
        str | None, typer.Option(metavar="NAME", help="The server to train at; this computer when not given.")
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="What is being taught; the dataset's own when not given.", show_default=False)
    ] = None,
    quality: Annotated[
        Quality | None, typer.Option(help="How good, and so how long; balanced when not given.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="What to call the model.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="WORD", help="The word that will call it up.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting of the recipe; repeatable.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="Where to POST how the run has ended.")] = None,
    webhook_secret: Annotated[
        str | None, typer.Option(metavar="TEXT", envvar="FLUXTUNE_WEBHOOK_SECRET", help="Signs what is sent there.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for the end and show progress.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would do and need.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Start a finetune. Without a running studio it runs to its end here."""
    output = Output(json)
    own = {
        "base": base,
        "server_id": server,
        "mode": mode,
        "quality": quality,
        "name": name,
        "trigger_word": trigger,
        "webhook_url": webhook,
        "webhook_secret": webhook_secret,
    }
    settings = read_settings(set_ or [])
    text = read_recipe_file(recipe) if recipe is not None else None
    with open_studio(data, output, works=not plan) as studio:
        client = studio.client
        request = build_request(client, dataset, template, text, own, settings)
        planned = client.plan_finetune(**request)
        if plan:
            output.result(planned, lambda out: render_plan(planned, out))
            return
        output.note(plan_line(planned))
        for warning in planned.warnings:
            output.warn(warning)
        finetune = client.start_finetune(**request)
        if follow or studio.is_temporary:
            follow_finetune(client, finetune, output)
            return
    output.result(finetune, lambda out: render_finetune(finetune, out))
    output.note(f"Follow it with: fluxtune finetune watch {finetune.id}")


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
    output.result(found, lambda out: render_finetune(found, out))


@app.command()
def watch(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Follow a finetune to its end. With --json every event is one line."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        found = find_finetune(studio.client, finetune)
        if json:
            last: JobEvent | None = None
            for last in studio.client.follow(found.job_id):
                print(jsonlib.dumps(last.model_dump(mode="json")), flush=True)
            ended = studio.client.get_finetune(found.id)
            code = code_of_end(ended.state, ended.error, pause_reason(last))
            if code:
                raise typer.Exit(code)
            return
        follow_finetune(studio.client, found, output)


@app.command()
def stop(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Stop a finetune and keep what it learned so far as a model."""
    act(finetune, Client.stop_finetune, data, json)


@app.command()
def cancel(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Stop a finetune without making a model."""
    act(finetune, Client.cancel_finetune, data, json)


@app.command()
def pause(finetune: FinetuneArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Save a finetune; its model stays loaded for a while, unless something else needs the device."""
    act(finetune, Client.pause_finetune, data, json)


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
            follow_finetune(studio.client, resumed, output)
            return
    output.result(resumed, lambda out: render_finetune(resumed, out))


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


steering.add_commands(app)
app.command()(compare)
