"""What is told of a run: its events, in one order, and what it has used."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from hogdsl import events
from hogdsl.errors import CapacityError, PlanError, RunCancelled
from runtime.scheduler.accounts import Accounts
from runtime.scheduler.journal import ErrorName

_ERROR_NAMES: dict[type[Exception], ErrorName] = {
    PlanError: "PlanError",
    CapacityError: "CapacityError",
    RunCancelled: "RunCancelled",
}

_USED = tuple(field.name for field in fields(Accounts))


def error_name(error: Exception) -> ErrorName:
    """How an error is called where it is told."""
    for kind, name in _ERROR_NAMES.items():
        if isinstance(error, kind):
            return name
    return "InternalError"


class Telling:
    """Numbers the events of a run.

    Attributes:
        accounts: what the run has used; changed by whoever uses it.
        failure: the event that ended it, if it has failed.
    """

    def __init__(self, emit: Callable[[events.Event], None]) -> None:
        """
        Args:
            emit: called with every event, in order.
        """
        self.accounts = Accounts()
        self.failure: events.Failed | None = None
        self._emit, self._n_events = emit, 0

    @property
    def usage(self) -> events.Usage:
        """What has been used so far."""
        return events.Usage(**{name: getattr(self.accounts, name) for name in _USED})

    def emit(self, kind: type[events.Event], **fields: Any) -> None:
        """An event of this kind, with these fields besides its number and step."""
        if kind is events.Token and fields["token"] is not None:
            self.accounts.tokens_generated += 1
        event = kind(seq=self._n_events, step=self.accounts.steps, **fields)
        self._n_events += 1
        if isinstance(event, events.Failed):
            self.failure = event
        self._emit(event)
