"""The errors of steps, as a saga's handler sees them.

::

    StepError           a step has failed for good
    └── SignalTimeout   a signal did not come in time (also a TimeoutError)
    SagaUseError        the handler takes steps in a way that the next run could not repeat
"""

from tidings.protocol.problems import Problem


class StepError(Exception):
    """A step has failed for good. In every later run of the handler it fails in the same way."""

    def __init__(self, name: str, path: str, problem: Problem) -> None:
        self.name = name
        """The step's name."""
        self.path = path
        """The step's place in the program."""
        self.problem = problem
        """Why it failed."""
        super().__init__(name, path, problem)

    def __str__(self) -> str:
        return f"step {self.path} ({self.name}) failed: {self.problem.code}: {self.problem.detail}"


class SignalTimeout(StepError, TimeoutError):  # noqa: N818 - as the standard library's TimeoutError is called
    """A signal did not come in time."""


class SagaUseError(RuntimeError):
    """The handler takes steps in a way that its next run could not repeat."""
