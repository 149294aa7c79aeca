"""Logs: to the console for people, to a rotating file in full; neither ever holds a secret."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from typing import Any

import structlog

from fluxtune.config.redaction import Redactor
from fluxtune.config.settings import Settings

_NOISY = ("dbos", "alembic", "uvicorn.access", "httpx2", "asyncio", "multipart")


def set_up_logs(settings: Settings, process: str, *, console: bool = True) -> None:
    """Send structlog and standard logging to the console and `logs/fluxtune.log`; `process` marks every line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mark(process),
        structlog.processors.StackInfoRenderer(),
    ]
    handlers: list[logging.Handler] = [_file_handler(settings, shared)]
    if console:
        handlers.append(_console_handler(settings, shared))
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(settings.log.level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _redact(redactor: Redactor) -> Any:
    def hide(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {name: redactor.value(value, name) for name, value in event.items()}

    return hide


def _mark(process: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("process", process)
        return event

    return add


def _drop_colours(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Leave out uvicorn's second copy of its messages, which has colours and none of the values."""
    event.pop("color_message", None)
    return event


def _file_handler(settings: Settings, shared: list[Any]) -> logging.Handler:
    settings.paths.logs.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        settings.paths.log_file, maxBytes=settings.log.max_bytes, backupCount=settings.log.keep, encoding="utf-8"
    )
    handler.setFormatter(_formatter(shared, settings, structlog.processors.JSONRenderer()))
    return handler


def _console_handler(settings: Settings, shared: list[Any]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    if settings.log.format == "json":
        formatter = _formatter(shared, settings, structlog.processors.JSONRenderer())
    else:
        formatter = _formatter(shared, settings, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    handler.setFormatter(formatter)
    return handler


def _formatter(shared: list[Any], settings: Settings, renderer: Any) -> logging.Formatter:
    # Tracebacks become text before secrets are taken out: what a program was called with stands in them, too.
    hide = _redact(Redactor(settings))
    last: tuple[Any, ...] = (_drop_colours, structlog.processors.format_exc_info, hide, renderer)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
