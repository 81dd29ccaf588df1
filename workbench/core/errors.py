"""Every error a person can meet: one line of cause, one line saying what to do next."""

from __future__ import annotations


class WorkbenchError(Exception):
    """Something could not be done; the root of every error this program raises on purpose."""

    exit_code = 1
    """What a command that ends with this error returns to the shell."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        """What happened and why, in one line."""
        self.next_step = next_step
        """What the person can do about it, in one line; empty where nothing can be done."""

    def __reduce__(self) -> tuple[type[WorkbenchError], tuple[str, str]]:
        # Without this a copy in another process would lose its next step.
        return type(self), (self.cause, self.next_step)

    def diagnostics(self) -> str:
        """Return the cause and the next step as the one or two lines shown to a person."""
        return f"{self.cause}\n{self.next_step}" if self.next_step else self.cause


class UsageError(WorkbenchError):
    """The call itself was wrong: an unknown option, a path that does not exist."""

    exit_code = 2


class Refused(WorkbenchError):
    """Policy, or the measured boundary, does not allow this; nothing was done."""

    exit_code = 2


class ReleaseNeeded(Refused):
    """Policy asks for a person's release before the agent may read this file; a face can offer to give it."""

    def __init__(self, path: str, cause: str, next_step: str) -> None:
        super().__init__(cause, next_step)
        self.path = path
        """The file, as the repository names it."""


class LedgerUnavailable(WorkbenchError):
    """The ledger cannot be written, so the effect that needed a row did not happen."""


class LedgerBroken(WorkbenchError):
    """The ledger file is not one we can trust to append to: corrupt, foreign or tampered with."""


class RepositoryError(WorkbenchError):
    """The working tree, or git, could not do what was asked."""


class PolicyError(WorkbenchError):
    """A policy file cannot be understood; names the file, the line and the allowed values."""

    exit_code = 2


class ModelError(WorkbenchError):
    """A model file is missing, wrong, or could not be loaded or run."""


class PromptTooLong(ModelError):
    """The prompt needs more tokens than the context window holds; nothing was truncated."""


class Cancelled(WorkbenchError):
    """The person stopped it; what was written stays written, nothing more follows."""


class Stale(WorkbenchError):
    """What the person decided on is no longer what is on disk or in the queue."""


class BoundaryError(WorkbenchError):
    """The seal could not be applied, or a demanded level does not hold."""
