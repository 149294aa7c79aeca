"""`fluxtune model`: list, show, import, export and deploy models."""

import hashlib
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fluxtune.cli.deploy import add, at_bfl, deployed, link, lookup, parity, show_link, unlink
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job
from fluxtune.cli.health import health
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, size, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput, NotFound, NotReady
from fluxtune.models.schemas import Model, ModelVersion

app = typer.Typer(add_completion=False, help=COMMANDS["model"][1], no_args_is_help=True)


class Layout(StrEnum):
    """Whose names an exported file has."""

    diffusers = "diffusers"
    kohya = "kohya"
    bfl = "bfl"


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
def list_(
    search: Annotated[str, typer.Option(metavar="WORDS", help="Only those with these words in name or tags.")] = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List bases and finetuned models."""
    output = Output(json)
    with open_studio(data, output) as studio:
        models = studio.client.models()
    words = search.casefold().split()
    models = [each for each in models if all(word in _searched(each) for word in words)]
    rows = [
        (each.id, each.name, each.kind, each.base, each.trigger_word, each.missing or "ready", ago(each.created_at))
        for each in models
    ]
    columns = ["id", "name", "kind", "base", "trigger word", "state", "made"]
    output.result(models, lambda out: out.print(table(columns, rows)))


def _searched(model: Model) -> str:
    return "\n".join((model.name, model.base, model.trigger_word, model.notes, *model.tags)).casefold()


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
                    ("commercial use", f"{found.commercial_use.answer}: {found.commercial_use.because}"),
                    ("tags", ", ".join(found.tags)),
                    ("imported from", found.provenance.file if found.provenance else None),
                    ("missing", found.missing),
                    ("finetune", found.finetune_id),
                ]
            )
        )
        if found.deployment is not None:
            show_link(found, out)
        rows = [
            (each.id, each.label, each.step, size(each.byte_count), ago(each.created_at)) for each in found.versions
        ]
        if rows:
            out.print(table(["id", "version", "step", "size", "made"], rows))

    output.result(found, render)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, help="A LoRA as safetensors, in any layout."
        ),
    ],
    name: Annotated[str, typer.Option(help="What to call it; what the file says when not given.")] = "",
    base: Annotated[str, typer.Option(metavar="NAME", help="Its base, where it fits several.")] = "",
    trigger: Annotated[str, typer.Option(help="Its trigger word; what the file says when not given.")] = "",
    preview: Annotated[bool, typer.Option(help="Draw a picture with it when its base is here.")] = True,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a model from a LoRA file of another program: diffusers, kohya, BFL, XLabs, OneTrainer."""
    output = Output(json)
    with open_studio(data, output, works=preview) as studio:
        made = studio.client.import_model(file, preview=preview, name=name, base=base, trigger_word=trigger)
        for note in made.provenance.notes if made.provenance else []:
            output.note(note)
        if made.preview_job_id is not None:
            follow_job(studio.client, made.preview_job_id, output, "Preview")
            made = made.model_copy(update=dict(studio.client.get_model(made.id)))

    def render(out: Console) -> None:
        origin = made.provenance
        rows = [("model", made.name), ("id", made.id), ("base", made.base), ("trigger word", made.trigger_word)]
        if origin is not None:
            rows += [("layout", origin.layout_title), ("rank", str(origin.rank)), ("fits", ", ".join(origin.fits))]
        out.print(facts([*rows, ("missing", made.missing)]))

    output.result(made, render)


@app.command()
def export(
    model: ModelArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write; beside you, named like the model, when not given."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="ID|STEP", help="Which version; the usual one when not given.")
    ] = None,
    layout: Annotated[
        Layout | None,
        typer.Option(help="For diffusers, for kohya's programs and ComfyUI, or for BFL; as it is kept when not given."),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write a model card beside it, too.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write a finetuned model's adapter to a safetensors file that other programs read too."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_model(studio.client, model)
        chosen = _version(found, version)
        ending = f"-{layout.value}" if layout else ""
        target = out or Path(f"{file_name(found.name)}{ending}.safetensors")
        if target.is_dir():
            target = target / f"{file_name(found.name)}{ending}.safetensors"
        path = (
            f"/api/models/{found.id}/versions/{chosen.id}/export?layout={layout.value}" if layout else chosen.file_url
        )
        byte_count = studio.client.download(path, target)
        beside = target.with_suffix(".md") if card else None
        if beside is not None:
            described = studio.client.model_card(
                found.id, chosen.id, layout=layout.value if layout else None, filename=target.name
            )
            beside.write_text(described.markdown, encoding="utf-8")
    result = {
        "model_id": found.id,
        "version_id": chosen.id,
        "file": str(target.absolute()),
        "byte_count": byte_count,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "layout": layout.value if layout else None,
        "card": str(beside.absolute()) if beside else None,
    }

    def render(screen: Console) -> None:
        screen.print(f"{target} ({size(byte_count)})", markup=False)
        if beside is not None:
            screen.print(str(beside), markup=False)

    output.result(result, render)


@app.command()
def deploy(
    model: ModelArgument,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Its finetune_id at BFL: small letters, digits, - and _.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the file; NAME.safetensors otherwise.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Check whether BFL's service takes a model; if so, write the file and say the steps there."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_model(studio.client, model)
        deployment = studio.client.model_deployment(found.id, name)
        wrong = [each for each in deployment.findings if not each.is_ok]
        if wrong or deployment.file_url is None:
            raise InvalidInput(
                " ".join(each.detail for each in wrong),
                title=f"BFL would not take “{found.name}”",
                action=" ".join(each.action for each in wrong if each.action),
            )
        target = out or Path(f"{deployment.finetune_id}.safetensors")
        studio.client.download(deployment.file_url, target)

    def render(screen: Console) -> None:
        screen.print(f"{target}", markup=False)
        for number, step in enumerate(deployment.steps, 1):
            screen.print(f"{number}. {step}", markup=False, soft_wrap=True)
        screen.print(f"Then: fluxtune model link {found.id} {deployment.finetune_id}", markup=False, soft_wrap=True)

    output.result({**deployment.model_dump(mode="json"), "file": str(target.absolute())}, render)


def _version(model: Model, wanted: str | None) -> ModelVersion:
    """Return the version somebody means, or the usual one."""
    if not model.versions:
        raise InvalidInput(
            f"“{model.name}” is a {model.kind} model without an adapter.",
            title="There is nothing to export",
            action="Choose a finetuned model: `fluxtune model list`.",
        )
    usual = wanted or model.default_version_id
    found = next((each for each in model.versions if usual in (each.id, str(each.step), each.label)), None)
    if found is None:
        raise NotFound(
            f"“{model.name}” has no version “{wanted}”.",
            title="No such version",
            action=f"`fluxtune model show {model.id}` lists its versions.",
        )
    return found


app.command()(health)
for each in (link, lookup, unlink, parity, add, deployed, at_bfl):
    app.command()(each)
