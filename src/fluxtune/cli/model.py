"""`fluxtune model`: list, show and export models."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fluxtune.cli.find import find
from fluxtune.cli.health import health
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, size, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput, NotFound, NotReady
from fluxtune.models.schemas import Model

app = typer.Typer(add_completion=False, help=COMMANDS["model"][1], no_args_is_help=True)

ModelArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which model.")]


def find_model(client: Client, wanted: str) -> Model:
    """Return the model with this name or id; for a published base that is not here, say how to get it."""
    models = client.models()
    if wanted not in {text for each in models for text in (each.id, each.name)}:
        absent = next((each for each in client.bases() if each.name == wanted and not each.is_ready), None)
        if absent is not None:
            raise NotReady(absent.missing or "", title=f"{absent.title} is not there yet", action=absent.how_to_get)
    return find(models, wanted, "model", name=lambda each: each.name, id_=lambda each: each.id)


def file_name(text: str) -> str:
    """Return words as the stem of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "untitled"


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List bases and finetuned models."""
    output = Output(json)
    with open_studio(data, output) as studio:
        models = studio.client.models()
    rows = [
        (each.id, each.name, each.kind, each.base, each.trigger_word, each.missing or "ready", ago(each.created_at))
        for each in models
    ]
    columns = ["id", "name", "kind", "base", "trigger word", "state", "made"]
    output.result(models, lambda out: out.print(table(columns, rows)))


@app.command()
def bases(data: DataOption = None, json: JsonOption = False) -> None:
    """List bases, also those that could be downloaded: licence, size, memory, and the command that gets them."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.bases()

    def render(out: Console) -> None:
        rows = [
            (
                each.name + (" (default)" if each.is_default else ""),
                each.title,
                each.licence,
                size(each.size_bytes),
                f"{size(each.memory.train_least_bytes)} – {size(each.memory.train_bytes)}",
                "ready" if each.is_ready else "not here" if each.source == "absent" else "incomplete",
                {"yes": "", "discouraged": f"better train on {each.train_on}", "no": "for generating only"}[
                    each.training
                ],
            )
            for each in found
        ]
        columns = ["name", "base", "licence", "size", "memory to train", "state", ""]
        out.print(table(columns, rows))
        for each in found:
            if not each.is_ready and each.how_to_get:
                out.print(f"{each.title}: {each.missing} {each.how_to_get}", markup=False, soft_wrap=True)

    output.result(found, render)


@app.command()
def show(model: ModelArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Show one model: trigger word, versions, licence."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_model(studio.client, model)

    def render(out: Console) -> None:
        out.print(
            facts(
                [
                    ("model", found.name),
                    ("id", found.id),
                    ("kind", found.kind),
                    ("base", found.base if found.kind == "finetuned" else None),
                    ("trigger word", found.trigger_word),
                    ("description", found.description),
                    ("licence", found.licence),
                    ("missing", found.missing),
                    ("finetune", found.finetune_id),
                ]
            )
        )
        rows = [
            (each.id, each.label, each.step, size(each.byte_count), ago(each.created_at)) for each in found.versions
        ]
        if rows:
            out.print(table(["id", "version", "step", "size", "made"], rows))

    output.result(found, render)


@app.command()
def export(
    model: ModelArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write; beside you, named like the model, when not given."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="ID|STEP", help="Which version; the newest when not given.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write a finetuned model's adapter to a safetensors file that other programs read too."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_model(studio.client, model)
        if not found.versions:
            raise InvalidInput(
                f"“{found.name}” is a {found.kind} model without an adapter.",
                title="There is nothing to export",
                action="Choose a finetuned model: `fluxtune model list`.",
            )
        matching = [each for each in found.versions if version in (None, each.id, str(each.step), each.label)]
        if not matching:
            raise NotFound(
                f"“{found.name}” has no version “{version}”.",
                title="No such version",
                action=f"`fluxtune model show {found.id}` lists its versions.",
            )
        target = out or Path(f"{file_name(found.name)}.safetensors")
        if target.is_dir():
            target = target / f"{file_name(found.name)}.safetensors"
        byte_count = studio.client.download(matching[0].file_url, target)
    result = {
        "model_id": found.id,
        "version_id": matching[0].id,
        "file": str(target.absolute()),
        "byte_count": byte_count,
        "sha256": matching[0].sha256,
    }
    output.result(result, lambda screen: screen.print(f"{target} ({size(byte_count)})", markup=False))


app.command()(health)
