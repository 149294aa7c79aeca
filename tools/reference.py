"""Write the pages of docs/reference from the code: command line, settings, recipe, errors, permissions, hosted models.

A test keeps them true.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs` from the code; change it there. -->\n"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    cells = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in row) + " |" for row in cells
    )


def cli_page() -> str:
    """Return the reference of the command line."""
    import typer.main

    from fluxtune.cli import exits
    from fluxtune.cli.main import EPILOGUE, app

    root: Any = typer.main.get_command(app)
    parts = [NOTE, "# Command line\n", f"{app.info.help}\n", f"{EPILOGUE}\n", *_parameters(root)]
    for name, command in root.load_all().items():
        parts += _command(f"fluxtune {name}", command)
    parts.append("## Exit codes\n")
    parts.append(_table(["code", "meaning"], [[str(code), text] for code, text in exits.MEANINGS.items()]) + "\n")
    parts.append(
        "With `--json` a command prints exactly one JSON document on stdout: its result, or the problem "
        "(`type`, `title`, `status`, `detail`, `action`, `errors`, `technical`). `finetune watch --json` prints one "
        "event a line. Notes and progress go to stderr and are silent with `--json`.\n"
    )
    return "\n".join(parts)


def _command(path: str, command: Any) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children:
        yield f"{'###' if path.count(' ') > 1 else '##'} {path}\n"
        yield f"{inspect.cleandoc(command.help or '')}\n"
        for name, child in children.items():
            yield from _command(f"{path} {name}", child)
        return
    yield f"{'###' if path.count(' ') > 1 else '##'} {path}\n"
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    usage = " ".join(_argument(each) for each in arguments)
    yield f"```\n{path} {usage + ' ' if usage else ''}[OPTIONS]\n```\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    yield from _parameters(command)


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return (name if parameter.required else f"[{name}]") + ("…" if parameter.nargs == -1 else "")


def _option(parameter: Any) -> str:
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(f"`{name}{value}`" for name in parameter.opts)


def _parameters(command: Any) -> Iterator[str]:
    rows = []
    for each in command.params:
        if each.name in ("help", "install_completion", "show_completion"):
            continue
        names = _argument(each) if each.param_type_name == "argument" else _option(each)
        shown = "" if each.default in (None, False, (), []) or each.required else f"`{each.default}`"
        rows.append([names, (each.help or "").replace("\\[", "["), "needed" if each.required else shown])
    if rows:
        yield _table(["option", "meaning", "default"], rows) + "\n"


def settings_page() -> str:
    """Return the reference of the settings."""
    from fluxtune.config.settings import SETTINGS_FILE

    parts = [
        NOTE,
        "# Settings\n",
        f"Every setting can be given in the environment or in `{SETTINGS_FILE}` in the data folder "
        "(`FLUXTUNE_CONFIG` names another file), and most can be changed while the studio runs: under Admin, Settings "
        "or with `fluxtune settings set`. [Settings](../guide/settings.md) tells how.\n",
        "Options of the command line win over the environment, the environment over the file, the file over the "
        "browser. The third column says what a change in the browser needs: nothing (`at once`), a start of the studio "
        "(`next start`), or that it can't be made there (`no`), because the setting is needed before the database is "
        "open.\n",
        _table(["in the environment", "in the file", "in the browser", "default", "meaning"], list(_settings())) + "\n",
    ]
    return "\n".join(parts)


def _settings() -> Iterator[list[str]]:
    from fluxtune.config.registry import declared_settings

    for each in declared_settings().values():
        default = "the user's data folder" if each.key == "data" else f"`{each.default}`"
        yield [
            f"`{each.variable}`",
            f"`{each.key}`",
            "no" if each.is_fixed else "next start" if each.needs_restart else "at once",
            "" if each.default is None else default,
            each.info.description or "",
        ]


def recipe_page() -> str:
    """Return the reference of the recipe."""
    from fluxtune.engine.config import Recipe

    parts = [
        NOTE,
        "# Recipe\n",
        "Every setting of a finetune. Mode, quality and base choose the starting values; "
        "`fluxtune finetune start --set key=value` and the forms of the browser UI change single ones.\n",
    ]
    rows: dict[str, list[list[str]]] = {}
    for name, values in Recipe.model_json_schema()["properties"].items():
        unit = f" {values['unit']}" if values.get("unit") else ""
        default = "" if values.get("default") in (None, []) else f"`{values['default']}`{unit}"
        row = [f"`{name}`", values["title"], default, values["level"], values["description"]]
        rows.setdefault(values["group"], []).append(row)
    for group, members in rows.items():
        parts += [f"## {group}\n", _table(["setting", "title", "default", "level", "meaning"], members) + "\n"]
    return "\n".join(parts)


@dataclass(frozen=True)
class _ErrorClass:
    name: str
    base: str
    words: dict[str, Any]
    summary: str


def errors_page() -> str:
    """Return the reference of the errors, read from the source so that nothing need be imported."""
    classes = {each.name: each for file in sorted((ROOT / "src").rglob("*.py")) for each in _classes(file)}

    def line(name: str) -> list[str]:
        return [name, *line(classes[name].base)] if name in classes else [name]

    def word(name: str, key: str) -> Any:
        return next(
            (classes[each].words[key] for each in line(name) if each in classes and key in classes[each].words), ""
        )

    rows = []
    for name in sorted(each for each in classes if "FluxtuneError" in line(each)):
        slug = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).strip("-")
        rows.append(
            [
                f"`/errors/{slug}`",
                str(word(name, "status")),
                word(name, "title"),
                classes[name].summary,
                word(name, "action"),
            ]
        )
    return "\n".join(
        [
            NOTE,
            "# Errors\n",
            "Errors of the API are `application/problem+json` (RFC 9457) with `action`: what to do now. The command "
            "line says the same in three lines; its exit code follows the status.\n",
            _table(["type", "status", "title", "when", "what to do"], rows) + "\n",
        ]
    )


def _classes(file: Path) -> Iterator[_ErrorClass]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef) or not node.bases:
            continue
        words = {}
        for item in node.body:
            target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
            value = getattr(item, "value", None)
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                words[target.id] = value.value
        base = node.bases[0]
        name = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
        summary = (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
        yield _ErrorClass(node.name, name, words, summary)


def permissions_page() -> str:
    """Return which role may use which route, from the one table of permissions."""
    from fluxtune.api.permissions import GRANTS, RULES

    def marks(rule: str) -> list[str]:
        is_open = rule == "open"
        return ["yes" if is_open else "", *("yes" if is_open or rule in granted else "" for granted in GRANTS.values())]

    kinds: dict[str, list[list[str]]] = {}
    for route, rule in RULES.items():
        parts = route.partition(" ")[2].strip("/").split("/")
        kind = parts[1] if parts[0] == "api" and len(parts) > 1 else parts[0]
        kinds.setdefault(kind, []).append([f"`{route}`", rule, *marks(rule)])
    sections = [
        f"## {kind}\n\n{_table(['route', 'needs', 'nobody', *GRANTS], rows)}\n" for kind, rows in sorted(kinds.items())
    ]
    return "\n".join(
        [
            NOTE,
            "# Permissions\n",
            f"{len(RULES)} routes, each with one rule; a route without one is closed to everybody. `open` needs nobody "
            "to be known: such a route checks what it is given itself. `self` is about one's own sessions, password "
            "and tokens, and is never allowed to a token. A token may no more than its owner, and of that what its "
            "scopes name. Which *things* somebody sees and changes is decided beyond this, by whose they are and with "
            "whom they are shared: [Sharing](../guide/sharing.md).\n",
            _table(["role", "holds"], [[role, ", ".join(granted)] for role, granted in GRANTS.items()]) + "\n",
            *sections,
        ]
    )


def hosted_page() -> str:
    """Return what BFL's endpoints take and cost, from the one table of them."""
    from fluxtune.backends.bfl.endpoints import ENDPOINTS

    models = [
        [f"`{each.model_id}`", each.title, _stage(each.lifecycle), _price(each.price), str(each.max_images or "")]
        for each in ENDPOINTS
    ]
    forms: dict[Any, list[Any]] = {}
    for each in ENDPOINTS:
        if each.parameters is not None:
            forms.setdefault(each.parameters, []).append(each)
    sections = []
    for form, members in forms.items():
        schema = form.model_json_schema()
        rows = [
            [f"`{name}`", value["title"], _range(value), _default(name, value, schema), value["description"]]
            for name, value in schema["properties"].items()
        ]
        titles = ", ".join(f"`{each.model_id}`" for each in members)
        head = f"## {', '.join(each.title for each in members)}\n\n{titles}\n"
        sections += [head, _table(["parameter", "title", "takes", "default", "meaning"], rows) + "\n"]
    intro = (
        "What BFL's models take, as fluxtune checks it before anything is sent, and what they are expected to cost. "
        "Prices are in credits; one credit is a US cent. How to use them: [Hosted models](../guide/hosted.md).\n"
    )
    columns = ["id", "title", "stands", "credits an image", "images in"]
    return "\n".join([NOTE, "# Hosted models\n", intro, _table(columns, models) + "\n", *sections])


def _stage(life: Any) -> str:
    since = f" since {life.since}" if life.since else ""
    instead = f"; use `bfl:{life.replaced_by}`" if life.stage == "retired" else ""
    return f"{life.stage}{since}{instead}. {life.note}".strip().removesuffix(".")


def _price(price: Any) -> str:
    if price is None:
        return ""
    sure = f" ({price.source})"
    if price.tiers:
        return ", ".join(f"{tier}: {credits_:g}" for tier, credits_ in price.tiers.items()) + sure
    return f"{price.first:g}" + (f", {price.more:g} for each further megapixel" if price.more else "") + sure


def _range(value: dict[str, Any]) -> str:
    """Return what a parameter may be, in words."""
    inner = next((each for each in value.get("anyOf", [value]) if each.get("type") != "null"), value)
    seen = {**value, **inner}
    if "holds" in value:
        kind = f"an image ({value['holds']})" if value["holds"] != "image" else "an image"
        return kind if seen.get("type") != "array" else "images"
    if "enum" in seen or "const" in seen:
        return ", ".join(f"`{each}`" for each in seen.get("enum", [seen.get("const")]))
    least, most = seen.get("minimum"), seen.get("maximum")
    limits = f" {least:g} to {most:g}" if None not in (least, most) else f" from {least:g}" if least is not None else ""
    steps = f", multiple of {seen['multipleOf']}" if "multipleOf" in seen else ""
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no"}
    return names[seen["type"]] + limits + steps


def _default(name: str, value: dict[str, Any], schema: dict[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "must be given"
    return "" if value.get("default") in (None, "") else f"`{value['default']}`"


PAGES = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "recipe.md": recipe_page,
    "errors.md": errors_page,
    "permissions.md": permissions_page,
    "hosted.md": hosted_page,
}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page().rstrip() + "\n", encoding="utf-8")
        print(f"wrote docs/reference/{name}")


if __name__ == "__main__":
    main()
