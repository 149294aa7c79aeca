"""Every error leaves as RFC 9457 problem details: what happened, why, what to do now."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from fluxtune.core.errors import (
    DiskFull,
    FieldProblem,
    FluxtuneError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
    TooLarge,
)
from fluxtune.db import is_disk_full

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class InputNotUnderstood(InvalidInput):
    """Fields of a request are missing or out of range."""

    title = "Some of that can't be used"
    action = "Correct the fields named here and try again."


class Unexpected(FluxtuneError):
    """A fault of ours."""

    title = "Something went wrong in fluxtune"
    action = "Try again. If it happens again, report it with the number below; the log has the details."


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    return JSONResponse(problem.model_dump(mode="json"), problem.status, headers, media_type=MEDIA_TYPE)


def detail_response(problem: Problem) -> Response:
    """Return a problem as programs under `/v1` know errors: one text under `detail`."""
    text = " ".join(
        as_sentence(part) for part in (problem.title, problem.detail, problem.action, problem.technical) if part
    )
    return JSONResponse({"detail": text}, problem.status)


def as_sentence(text: str) -> str:
    """Return a text that ends as a sentence does."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def breakdown_response(error: Exception, path: str) -> Response:
    """Log an error nobody foresaw and return what whoever asked sees of it: never its text, always its number."""
    log.exception("request broke", path=path)
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    problem = no_room_problem() if is_disk_full(error) else unexpected_problem(request_id)
    return detail_response(problem) if path.startswith("/v1/") else problem_response(problem)


def unexpected_problem(request_id: str) -> Problem:
    """Return what a user sees of an error nobody foresaw: never its text, always its number."""
    return Unexpected("An error nobody foresaw.", technical=f"request {request_id}").problem()


def no_room_problem() -> Problem:
    """Return what a user sees when something could not be written."""
    return DiskFull("Nothing was changed.", action="Free some room where the data folder is, then try again.").problem()


def _fluxtune_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FluxtuneError)  # noqa: S101 - registered for this class only
    if error.status >= 500:
        log.warning("request failed", error=str(error), technical=error.technical)
    return problem_response(error.problem())


def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    fields = [FieldProblem(field=_field_name(item["loc"]), message=_sentence(item)) for item in error.errors()]
    detail = " ".join(f"{field.field}: {field.message}" for field in fields[:3])
    problem = InputNotUnderstood(detail).problem()
    return problem_response(problem.model_copy(update={"errors": fields}))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    known: dict[int, FluxtuneError] = {
        403: NotAllowed(),
        404: NotFound(f"There is nothing at {request.url.path}."),
        405: InvalidInput(f"{request.method} is not possible at {request.url.path}.", title="That can't be done here"),
        413: TooLarge("The request is larger than this studio accepts.", action="Send fewer or smaller files at once."),
    }
    problem = (known.get(error.status_code) or InvalidInput(str(error.detail))).problem()
    headers = dict(error.headers) if error.headers else None
    return problem_response(problem.model_copy(update={"status": error.status_code}), headers)


def _field_name(location: tuple[Any, ...]) -> str:
    inner = location[1:] if len(location) > 1 and location[0] in ("body", "query", "path", "header") else location
    return ".".join(str(part) for part in inner)


def _sentence(item: dict[str, Any]) -> str:
    """Return pydantic's finding as a plain sentence."""
    context = item.get("ctx") or {}
    sentences = {
        "missing": "This is needed.",
        "json_invalid": "The request is not valid JSON.",
        "greater_than": "Must be more than {gt}.",
        "greater_than_equal": "Must be at least {ge}.",
        "less_than": "Must be less than {lt}.",
        "less_than_equal": "Must be at most {le}.",
        "multiple_of": "Must be a multiple of {multiple_of}.",
        "string_too_short": "Must have at least {min_length} characters.",
        "string_too_long": "Must have at most {max_length} characters.",
        "too_long": "Must have at most {max_length} entries.",
        "literal_error": "Must be {expected}.",
        "extra_forbidden": "There is no such setting.",
        "int_parsing": "Must be a whole number.",
        "int_from_float": "Must be a whole number.",
        "float_parsing": "Must be a number.",
        "bool_parsing": "Must be true or false.",
        "string_type": "Must be text.",
    }
    template = sentences.get(item["type"])
    if template is not None:
        return template.format(**context)
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")


def document_errors(app: FastAPI) -> None:
    """Make the API's description say what really leaves: every error is problem details, a missing sign-in too."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = describe()
            for path, operations in schema["paths"].items():
                for operation in operations.values():
                    if path.startswith("/api/") or path == "/metrics":
                        operation["responses"].setdefault("403", {"description": "Nobody is signed in."})
                    _describe_problems(operation["responses"])
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
        assert app.openapi_schema is not None  # noqa: S101 - FastAPI keeps what it described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_problems(responses: dict[str, Any]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            response["content"] = content


def add_error_handlers(app: FastAPI) -> None:
    """Make an app answer every error with problem details."""
    app.add_exception_handler(FluxtuneError, _fluxtune_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
