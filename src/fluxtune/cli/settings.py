"""`fluxtune settings`: look at settings, change them, take changes back, carry them to another studio."""

import json as json_text
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.errors import InvalidInput, NotFound

app = typer.Typer(add_completion=False, help=COMMANDS["settings"][1], no_args_is_help=True)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Group, dot, name: trash.keep_days.")]


@app.command("list")
def list_(
    query: Annotated[str, typer.Argument(metavar="[WORDS]", help="Only settings with these words.")] = "",
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not as usual.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List settings: value, and where it comes from."""
    output = Output(json)
    with open_studio(data, output) as studio:
        every = [each for group in studio.client.settings().groups for each in group.settings]
    words = query.lower().split()
    found = [
        each
        for each in every
        if all(word in f"{each.key} {each.title} {each.description}".lower() for word in words)
        and (not changed or each.source != "default" or each.is_waiting)
    ]
    rows = [
        (each.key, _set(each.is_set) if each.is_secret else _told(each.value), _source(each.source, each.is_waiting))
        for each in found
    ]
    output.result(found, lambda out: out.print(table(["setting", "value", "from"], rows)))


@app.command()
def get(key: KeyArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Print one setting's value; with --json everything that is known of it."""
    output = Output(json)
    with open_studio(data, output) as studio:
        every = [each for group in studio.client.settings().groups for each in group.settings]
    found = next((each for each in every if each.key == key), None)
    if found is None:
        raise NotFound(
            f"There is no setting “{key[:120]}”.", title="No such setting", action="`fluxtune settings list` names all."
        )
    value = _set(found.is_set) if found.is_secret else _told(found.value)
    output.result(found, lambda out: print(value))


@app.command("set")
def set_(
    key: KeyArgument,
    value: Annotated[
        str,
        typer.Argument(metavar="VALUE", help="Text, a number, true or false; lists and tables as JSON; `-` is stdin."),
    ],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Change a setting; it holds at once, unless it says that it waits for the next start.

    Give secrets by stdin (`-`), so that they stay out of the shell's history.
    """
    output = Output(json)
    text = sys.stdin.read().strip() if value == "-" else value
    with open_studio(data, output) as studio:
        done = studio.client.update_settings({key: read_value(key, text)})
    if done.change is None:
        output.note("It had that value already.")
    if any(each.is_waiting for group in done.settings.groups for each in group.settings if each.key == key):
        output.note("It takes effect with the next start of the studio.")
    output.result(done.change, lambda out: _say(done.change, out))


@app.command()
def reset(
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="Settings: group, dot, name.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let settings be as they are without a change in the browser or here."""
    output = Output(json)
    with open_studio(data, output) as studio:
        done = studio.client.update_settings({}, keys)
    if done.change is None:
        output.note("Nothing was changed there.")
    output.result(done.change, lambda out: _say(done.change, out))


@app.command()
def changes(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List who changed what, newest first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.settings_changes(limit)
    rows = [
        (
            each.id,
            ago(each.changed_at),
            each.actor,
            f"{change.key}: {_or_usual(change.before)} → {_or_usual(change.after)}",
            "undone" if each.undone_by else "",
        )
        for each in found
        for change in each.changes
    ]
    output.result(found, lambda out: out.print(table(["id", "when", "who", "what", ""], rows)))


@app.command()
def undo(
    change: Annotated[int, typer.Argument(metavar="ID", help="Which change; `changes` lists them.", min=1)],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Give the settings of a change the values they had before it."""
    output = Output(json)
    with open_studio(data, output) as studio:
        done = studio.client.undo_settings(change)
    output.result(done.change, lambda out: _say(done.change, out))


@app.command()
def export(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Where to; stdout when not given.")] = "-",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write what is not as usual as a TOML file, without secrets."""
    output = Output(json)
    with open_studio(data, output) as studio:
        text = studio.client.export_settings()
    if file != "-":
        Path(file).write_text(text, encoding="utf-8")
        output.note(f"Written to {file}.")
    output.result({"text": text}, lambda out: print(text, end="") if file == "-" else None)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file; `-` is stdin.")],
    trial: Annotated[bool, typer.Option("--trial", help="Only say what it would change.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Change what a file names, all or none; settings it does not name stay."""
    output = Output(json)
    text = _read(file)
    with open_studio(data, output) as studio:
        done = studio.client.import_settings(text, is_trial=trial)
    for each in done.skipped:
        output.warn(f"{each.key}: {each.why}")
    if not done.changes:
        output.note("Nothing to change.")
    rows = [(each.key, _or_usual(each.before), _or_usual(each.after)) for each in done.changes]
    output.result(done, lambda out: out.print(table(["setting", "before", "after"], rows)) if rows else None)


def read_value(key: str, text: str) -> Any:
    """Return typed text as the plain value a setting takes; what fits nothing is left to the studio to refuse."""
    from fluxtune.config.registry import declared_settings

    declared = declared_settings().get(key)
    for candidate in _readings(text):
        try:
            return candidate if declared is None else declared.plain(declared.parse(candidate))
        except ValueError:
            continue
    return text


def _readings(text: str) -> list[Any]:
    try:
        return [text, json_text.loads(text)]
    except ValueError:
        return [text, [part.strip() for part in text.split(",")]]


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", title="No such file", action="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read as text.", technical=str(error)) from error


def _say(change: Any, out: Any) -> None:
    for each in change.changes if change is not None else ():
        out.print(f"{each.key}: {_or_usual(each.before)} → {_or_usual(each.after)}", markup=False)


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)


def _or_usual(value: Any) -> str:
    return "as usual" if value is None else _told(value)


def _set(is_set: bool) -> str:
    return "(set)" if is_set else "(not set)"


def _source(source: str, is_waiting: bool) -> str:
    return f"{source}, with the next start" if is_waiting else source
