"""`fluxtune generate`: make images and write them to files."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fluxtune.cli.exits import code_of_end
from fluxtune.cli.follow import follow_job
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.model import file_name, find_model
from fluxtune.cli.options import DataOption, JsonOption, option
from fluxtune.cli.output import Output, print_problem
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations.schemas import Generation, GenerationCreate

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


@app.command()
def generate(
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help=r"What to draw. \[trigger] stands for the model's trigger word.")
    ],
    model: Annotated[str, typer.Option(metavar="NAME|ID", help="The model to draw with, or a base.")] = "pocket",
    count: Annotated[int, option(GenerationCreate, "count")] = 4,
    seed: Annotated[int | None, option(GenerationCreate, "seed")] = None,
    strength: Annotated[float, option(GenerationCreate, "finetune_strength", "--strength")] = 1.0,
    width: Annotated[int | None, option(GenerationCreate, "width")] = None,
    height: Annotated[int | None, option(GenerationCreate, "height")] = None,
    steps: Annotated[int | None, option(GenerationCreate, "steps")] = None,
    guidance: Annotated[float | None, option(GenerationCreate, "guidance")] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.", file_okay=False)] = Path(),
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make images with a model and write them to files."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        client = studio.client
        chosen = find_model(client, model)
        request: dict[str, Any] = {
            "model_id": chosen.id,
            "prompt": fill_trigger(prompt, chosen.trigger_word),
            "count": count,
            "seed": seed,
            "finetune_strength": strength,
            "width": width,
            "height": height,
            "steps": steps,
            "guidance": guidance,
        }
        generation = client.start_generation(**{key: value for key, value in request.items() if value is not None})
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
