"""`fluxtune generate`: make images and write them to files."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fluxtune.backends.bfl.endpoints import is_hosted
from fluxtune.cli.exits import code_of_end
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job
from fluxtune.cli.hosted import dollars
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.model import file_name, find_model
from fluxtune.cli.options import DataOption, JsonOption, option
from fluxtune.cli.output import Output, print_problem
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations.schemas import Generation, GenerationCreate
from fluxtune.servers.models import SEPARATOR, is_elsewhere


class SettingUnclear(InvalidInput):
    """A parameter of a hosted model was not given as it should."""

    title = "That setting can't be used"
    action = "Write --set NAME=VALUE with a hosted model; `fluxtune hosted models` lists them."


app = typer.Typer(add_completion=False, help=COMMANDS["generate"][1])


def save_images(client: Client, generation: Generation, folder: Path) -> list[dict[str, Any]]:
    """Write the finished images of a generation into a folder; return what was written."""
    written = []
    for slot in generation.slots:
        if slot.result is None:
            continue
        image = slot.result.image
        name = f"{file_name(generation.prompt)}-{slot.seed}-{image.id[-6:]}.{image.format.lower()}"
        client.save_image(image, folder / name)
        written.append({"file": str((folder / name).absolute()), "seed": slot.seed, "image_id": image.id})
    return written


def _hosted(model: str, prompt: str, set_: list[str] | None, key: str | None) -> dict[str, Any]:
    """Return what is asked of a hosted model; values are JSON where they look like it, else text."""
    parameters: dict[str, Any] = {}
    for each in set_ or []:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise SettingUnclear(f"“{each[:100]}” is not NAME=VALUE.")
        try:
            parameters[name] = json_module.loads(value)
        except ValueError:
            parameters[name] = value
    return {"model_id": model, "prompt": prompt, "parameters": parameters, "key_name": key}


def _own(client: Client, model: str, prompt: str, set_: list[str] | None, key: str | None) -> dict[str, Any]:
    """Return what is asked of a model or base that is here, or at a server of one's own."""
    if set_ or key is not None:
        raise SettingUnclear("Only hosted models (bfl:…) take --set and --key.")
    if is_elsewhere(model) or SEPARATOR in model:
        named = client.server_models()
        chosen = find(named, model, "model", name=lambda each: each.name, id_=lambda each: each.id)
    else:
        chosen = find_model(client, model)
    return {"model_id": chosen.id, "prompt": fill_trigger(prompt, chosen.trigger_word)}


@app.command()
def generate(
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help=r"What to draw. \[trigger] stands for the model's trigger word.")
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|ID", help="The model to draw with, a base, one at a server (at:…), or a hosted one (bfl:…)."
        ),
    ] = "pocket",
    count: Annotated[int | None, option(GenerationCreate, "count")] = None,
    seed: Annotated[int | None, option(GenerationCreate, "seed")] = None,
    strength: Annotated[float | None, option(GenerationCreate, "finetune_strength", "--strength")] = None,
    width: Annotated[int | None, option(GenerationCreate, "width")] = None,
    height: Annotated[int | None, option(GenerationCreate, "height")] = None,
    steps: Annotated[int | None, option(GenerationCreate, "steps")] = None,
    guidance: Annotated[float | None, option(GenerationCreate, "guidance")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A further parameter of a hosted model, by BFL's name."),
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="NAME", help="Which key pays for a hosted model.")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.", file_okay=False)] = Path(),
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make images with a model and write them to files."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        client = studio.client
        request: dict[str, Any] = {
            **(_hosted(model, prompt, set_, key) if is_hosted(model) else _own(client, model, prompt, set_, key)),
            "count": count,
            "seed": seed,
            "finetune_strength": strength,
            "width": width,
            "height": height,
            "steps": steps,
            "guidance": guidance,
        }
        # Sent as it is, so that the studio's own words say what is wrong with it.
        given = {name: value for name, value in request.items() if value is not None}
        if is_hosted(model):
            price = client.estimate_generation(**given)
            output.note(f"This will cost about {dollars(price.credits)} ({price.source}).")
            for warning in price.warnings:
                output.warn(warning)
        generation = client.start_generation(**given)
        follow_job(client, generation.job_id, output, "Images")
        generation = client.get_generation(generation.id)
        images = save_images(client, generation, out)

    def render(screen: Console) -> None:
        for image in images:
            screen.print(image["file"], markup=False)

    output.result({**generation.model_dump(mode="json"), "images": images}, render)
    if generation.error and not json:
        print_problem(generation.error, False)
    code = code_of_end(generation.state, generation.error)
    if code:
        raise typer.Exit(code)
