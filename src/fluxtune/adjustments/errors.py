"""What can be wrong with a change of settings."""

from collections.abc import Sequence

from fluxtune.core.errors import Conflict, FieldProblem, InvalidInput, NotFound, Problem


class SettingsRefused(InvalidInput):
    """Settings of a change are unknown, not acceptable, or decided elsewhere. None of the change was made."""

    title = "These settings can't be changed so"
    action = "Correct the settings named here; the others were not changed either."

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(f"{problem.field}: {problem.message}" for problem in self.problems[:3]))

    def problem(self) -> Problem:
        """Return all refused settings, each under its key."""
        return super().problem().model_copy(update={"errors": self.problems})


class SettingsFileUnreadable(InvalidInput):
    """The text is not a settings file."""

    title = "This is not a settings file"
    action = "Bring in a file as “Export” writes it: groups in square brackets, and `name = value` below them."


class ChangeMissing(NotFound):
    """No such change of settings."""

    title = "No such change"
    action = "Look at the list of changes."


class ChangedSince(Conflict):
    """What a change did was changed again, or undone, so that undoing it would undo more."""

    title = "That can't be undone any more"
    action = "Undo the later change first, or set the value by hand."
