"""A command group that imports a command's module only when that command is used.

`fluxtune --help` lists a dozen commands; importing what they need takes ten times as long as printing the list.
"""

from importlib import import_module
from typing import Any, ClassVar

import typer.main
from typer.core import TyperCommand, TyperGroup

# name → module whose `app` or `command` it is, and the line that `--help` shows for it.
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("fluxtune.cli.serve", "Start the studio and open it in the browser."),
    "open": ("fluxtune.cli.open", "Open the running studio in one more browser."),
    "worker": ("fluxtune.cli.worker", "Run only the process that trains and generates."),
    "demo": (
        "fluxtune.cli.demo",
        "Teach the bundled model a sample concept and draw it: the whole way in one command.",
    ),
    "dataset": ("fluxtune.cli.dataset", "Datasets: images with captions to learn from."),
    "caption": ("fluxtune.cli.caption", "Captions: write, change and look through them."),
    "finetune": ("fluxtune.cli.finetune", "Finetunes: start, watch, steer and extend them."),
    "template": ("fluxtune.cli.template", "Templates: recipes kept under a name."),
    "queue": ("fluxtune.cli.queue", "What runs and what waits, in turn."),
    "model": ("fluxtune.cli.model", "Models: bases and what was finetuned from them."),
    "generate": ("fluxtune.cli.generate", "Make images with a model."),
    "token": ("fluxtune.cli.token", "Tokens: keys of programs that use the BFL API under /v1."),
    "hosted": ("fluxtune.cli.hosted", "Hosted models: images made at BFL; keys, budget, ledger."),
    "server": ("fluxtune.cli.server", "Other computers that train and draw for this studio."),
    "settings": ("fluxtune.cli.settings", "Settings: look, change, undo, export and import."),
    "admin": ("fluxtune.cli.admin", "Admin: backups and what else keeps a studio in order."),
    "doctor": ("fluxtune.cli.doctor", "Say what is ready, what is missing, and the command that adds it."),
}


class LazyGroup(TyperGroup):
    """Knows the names and help lines of its commands, and loads the one that is called."""

    known: ClassVar[dict[str, tuple[str, str]]] = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.known)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the loaded command, or for lists of commands one that has only a help line."""
        if cmd_name in self.commands or cmd_name not in self.known:
            return self.commands.get(cmd_name)
        return TyperCommand(cmd_name, help=self.known[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that is called, then let Typer find it."""
        if args and args[0] in self.known:
            self.load(args[0])
        else:
            self.commands.update({name: self.get_command(ctx, name) for name in self.known})  # for "did you mean"
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Any:
        """Import a command's module and return the command."""
        if name not in self.commands:
            command = typer.main.get_command(import_module(self.known[name][0]).app)
            command.name = name
            self.add_command(command, name)
        return self.commands[name]

    def load_all(self) -> dict[str, Any]:
        """Return every command, loaded with all below it: for the reference pages and their test."""
        loaded = {name: self.load(name) for name in self.known}
        for command in loaded.values():
            if isinstance(command, LazyGroup):
                command.load_all()
        return loaded
