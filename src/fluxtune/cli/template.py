"""`fluxtune template`: recipes kept under a name."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fluxtune.cli.find import find
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, table
from fluxtune.cli.runs import find_finetune
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.recipes.schemas import Template

app = typer.Typer(add_completion=False, help=COMMANDS["template"][1], no_args_is_help=True)

TemplateArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which template.")]


def _find(client: Client, wanted: str) -> Template:
    return find(client.templates(), wanted, "template", name=lambda each: each.name, id_=lambda each: each.id)


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the templates by name."""
    output = Output(json)
    with open_studio(data, output) as studio:
        templates = studio.client.templates()
    rows = [(each.id, each.name, each.base, each.mode, each.quality, len(each.recipe)) for each in templates]
    columns = ["id", "name", "base", "mode", "quality", "settings"]
    output.result(templates, lambda out: out.print(table(columns, rows)))


@app.command()
def save(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    finetune: Annotated[
        str, typer.Option("--from", metavar="FINETUNE", help="The finetune whose recipe to keep.", show_default=False)
    ],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Keep the recipe of a finetune as a template."""
    output = Output(json)
    with open_studio(data, output) as studio:
        document = studio.client.read_recipe(studio.client.finetune_recipe(find_finetune(studio.client, finetune).id))
        made = studio.client.create_template(
            name=name, base=document.base, mode=document.mode, quality=document.quality, recipe=document.recipe
        )
    output.result(made, lambda out: _render(made, out))


@app.command()
def export(
    template: TemplateArgument,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Print a template as a recipe document, for `finetune start --recipe` or another studio."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = _find(studio.client, template)
        text = studio.client.export_template(found.id)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        output.note(f"Written to {out}.")
    if json:
        output.result(found, lambda console: None)
    elif out is None:
        print(text, end="")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recipe document.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Another name than the document's own.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a recipe document as a template."""
    output = Output(json)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", title="No such recipe", action="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read as text.", technical=str(error)) from error
    with open_studio(data, output) as studio:
        made = studio.client.import_template(text, **({"name": name} if name is not None else {}))
    output.result(made, lambda out: _render(made, out))


@app.command()
def remove(template: TemplateArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Remove a template; finetunes made with it keep their recipes."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = _find(studio.client, template)
        studio.client.delete_template(found.id)
    output.result(found, lambda out: out.print(f"Removed “{found.name}”.", markup=False))


def _render(template: Template, out: Console) -> None:
    out.print(f"{template.name}: {len(template.recipe)} settings, {template.id}", markup=False)
