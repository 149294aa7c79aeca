"""`fluxtune`: reads the command, runs it, and turns what goes wrong into a sentence and an exit code."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.exceptions import Abort, Exit, TyperException

from fluxtune import __version__
from fluxtune.cli import exits
from fluxtune.cli.lazy import LazyGroup

EPILOGUE = (
    "Commands talk to the studio that runs on the same data folder; when none runs they start one for as long as "
    "they need it. Exit codes: 0 done, 1 failed, 2 invalid, 3 not ready, 4 not found, 5 conflict, 6 cancelled, "
    "7 paused, 10 out of memory, 11 disk full, 12 unstable, 13 crashed, 130 interrupted."
)

app = typer.Typer(
    cls=LazyGroup,
    name="fluxtune",
    help="Teach a FLUX model something new from a handful of images, and make images with it.",
    epilog=EPILOGUE,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        print(f"fluxtune {__version__}")
        raise typer.Exit


@app.callback()
def root(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The folder where everything of a studio lives.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Teach a FLUX model something new from a handful of images, and make images with it."""
    if data is not None:
        os.environ["FLUXTUNE_DATA"] = str(data)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    as_json = "--json" in arguments
    command: Any = typer.main.get_command(app)
    try:
        result = command.main(arguments, prog_name="fluxtune", standalone_mode=False)
        return result if isinstance(result, int) else exits.OK
    except (KeyboardInterrupt, Abort):
        print("Interrupted.", file=sys.stderr)
        return exits.INTERRUPTED
    except Exit as error:
        return error.exit_code
    except TyperException as error:
        return _usage_error(error, as_json)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; nothing more may be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except Exception as error:
        return _failure(error, as_json)


def _usage_error(error: TyperException, as_json: bool) -> int:
    if as_json:
        from fluxtune.cli.output import print_problem
        from fluxtune.core.errors import InvalidInput

        print_problem(InvalidInput(error.format_message(), title="The command is not understood").problem(), True)
    elif hasattr(error, "show"):
        error.show()
    else:
        print(error.format_message(), file=sys.stderr)
    return error.exit_code


def _failure(error: Exception, as_json: bool) -> int:
    """Say what went wrong in three parts; never a stack trace unless one is asked for."""
    from pydantic import ValidationError

    from fluxtune.cli.output import print_problem
    from fluxtune.core.errors import FluxtuneError, InvalidInput

    if os.environ.get("FLUXTUNE_DEBUG") == "1":
        raise error
    if isinstance(error, ValidationError):
        findings = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}." for each in error.errors())
        error = InvalidInput(" ".join(findings))
    if not isinstance(error, FluxtuneError):
        error = FluxtuneError(
            str(error) or type(error).__name__,
            action="Run it again with FLUXTUNE_DEBUG=1 to see the technical detail.",
            technical=repr(error),
        )
    problem = error.problem()
    print_problem(problem, as_json)
    return exits.code_of(problem.status)


if __name__ == "__main__":
    main()
