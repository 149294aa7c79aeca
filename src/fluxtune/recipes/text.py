"""Recipes as YAML: written for people, read with the line of everything that is wrong."""

import re
from typing import Any

import yaml
from pydantic import ValidationError

from fluxtune.core.errors import FieldProblem
from fluxtune.engine.config import Recipe
from fluxtune.recipes.checks import RecipeInvalid, find_problems, require_valid
from fluxtune.recipes.schemas import RecipeDocument

DOCUMENT = "document"
"""Names the whole document where no single field is wrong."""
MAX_DEPTH = 8


class _Loader(yaml.SafeLoader):
    """Reads YAML 1.2: only true and false are truth values, and 1e-4 is a number."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def read_recipe(text: str) -> RecipeDocument:
    """Return the document a text holds; raise `RecipeInvalid` with the line and field of everything wrong in it."""
    node = _compose(text)
    lines: dict[str, int] = {}
    problems = _inspect(node, "", lines)
    if problems:
        raise RecipeInvalid(problems)
    document, problems = _validate(_construct(node))
    if problems:
        raise RecipeInvalid([_with_line(problem, lines) for problem in problems])
    return document.model_copy(update={"recipe": require_valid(document.recipe)})


def write_recipe(document: RecipeDocument) -> str:
    """Return a document as YAML, in the order people look for things."""
    values = document.model_dump(mode="json", exclude_none=True)
    known = [name for name in Recipe.model_fields if name in document.recipe]
    values["recipe"] = {name: document.recipe[name] for name in known}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def read_value(text: str) -> Any:
    """Return one value as a recipe document would have it; raise `yaml.YAMLError`."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def _compose(text: str) -> yaml.Node:
    try:
        _refuse_bombs(text)
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"Line {mark.line + 1}: " if mark is not None else ""
        raise RecipeInvalid([FieldProblem(field=DOCUMENT, message=f"{where}{error.problem or error}.")]) from error
    except yaml.YAMLError as error:  # a character YAML does not allow
        raise RecipeInvalid([FieldProblem(field=DOCUMENT, message=f"This is not YAML: {error}.")]) from error
    if node is None:
        raise RecipeInvalid([FieldProblem(field=DOCUMENT, message="It is empty.")])
    if not isinstance(node, yaml.MappingNode):
        raise RecipeInvalid([FieldProblem(field=DOCUMENT, message="Line 1: must be settings, as `name: value`.")])
    return node


def _refuse_bombs(text: str) -> None:
    """Refuse, event by event, what is short and yet takes gigabytes (references to references) or minutes (depth)."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        message = ""
        if isinstance(event, yaml.AliasEvent):
            message = f"Line {line}: references (*{event.anchor}) are not read; write the value."
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            message = f"Line {line}: nested too deeply." if depth > MAX_DEPTH + 1 else ""
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if message:
            raise RecipeInvalid([FieldProblem(field=DOCUMENT, message=message)])


def _inspect(node: yaml.Node, path: str, lines: dict[str, int]) -> list[FieldProblem]:
    """Note the line of every field; return settings given twice, and what a recipe has no use for."""
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    problems: list[FieldProblem] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            field = f"{path}.{name}" if path else name
            here = key.start_mark.line + 1
            if name in seen:
                problems.append(FieldProblem(field=field, message=f"Line {here}: given twice."))
                continue
            seen.add(name)
            lines[field] = here
            problems += _inspect(value, field, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            problems += _inspect(value, f"{path}.{index}", lines)
    return problems


def _construct(node: yaml.Node) -> Any:
    """Return the plain values of a checked node."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        problem = FieldProblem(field=DOCUMENT, message=f"Line {line}: {error.problem}.")
        raise RecipeInvalid([problem]) from error
    except ValueError as error:  # a number too long to read
        raise RecipeInvalid([FieldProblem(field=DOCUMENT, message=f"A value can't be read: {error}.")]) from error
    finally:
        loader.dispose()


def _validate(values: dict[str, Any]) -> tuple[RecipeDocument, list[FieldProblem]]:
    problems: list[FieldProblem] = []
    document = RecipeDocument()
    try:
        document = RecipeDocument.model_validate(values)
    except ValidationError as error:
        for item in error.errors():
            message = "There is no such field." if item["type"] == "extra_forbidden" else f"{item['msg']}."
            message = message.replace("Input should be", "Must be")
            problems.append(FieldProblem(field=".".join(map(str, item["loc"])), message=message))
    settings = values.get("recipe")
    if isinstance(settings, dict):
        problems += find_problems({str(name): value for name, value in settings.items()})
    return document, problems


def _with_line(problem: FieldProblem, lines: dict[str, int]) -> FieldProblem:
    """Put the line before a problem: the field's own, or that of what it is in."""
    field = problem.field
    while field and field not in lines:
        field = field.rpartition(".")[0]
    line = lines.get(field)
    return problem if line is None else problem.model_copy(update={"message": f"Line {line}: {problem.message}"})
