"""Errors of the client.

FluxtuneError
├── ApiProblem           the studio refused: its own problem, unchanged
├── StudioNotRunning     no studio answers for this data folder   (NotReady)
├── StudioLost           it stopped answering in the middle       (NotReady)
└── NotAStudio           something else answers at this address
"""

from fluxtune.core.errors import FluxtuneError, NotReady, Problem


class ApiProblem(FluxtuneError):
    """The studio refused a request and said why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail, title=problem.title, action=problem.action, technical=problem.technical)
        self._problem = problem

    @property
    def status_code(self) -> int:
        """The HTTP status the studio answered with."""
        return self._problem.status

    def problem(self) -> Problem:
        """Return the problem as the studio sent it."""
        return self._problem


class StudioNotRunning(NotReady):
    """No studio answers for this data folder."""

    title = "The studio is not running"
    action = "Start it with `fluxtune serve`."


class StudioLost(NotReady):
    """The studio stopped answering in the middle of something."""

    title = "The studio stopped answering"
    action = "Start it again with `fluxtune serve`; runs go on by themselves. Then ask again."


class NotAStudio(FluxtuneError):
    """Something answers at this address, but not with what a studio says."""

    title = "That address is not a fluxtune studio"
    action = "Check the address, and that studio and command line are the same version."
