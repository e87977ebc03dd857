"""What one run of a script has played so far, and the texts that it has left."""

from collections.abc import Mapping
from typing import Any, TypeVar

from hogdsl import events
from hogdsl.events import Event, Usage
from hogdsl.plan import Ask

E = TypeVar("E", bound=Event)


class ScriptError(Exception):
    """The script does not fit the program."""


class Tape:
    """Gives the next event its number, the next gen its text, the next ask its answer."""

    def __init__(
        self, texts: Mapping[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._texts = {name: list(values) for name, values in texts.items()}
        self._answers = {name: list(values) for name, values in answers.items()}
        self._seq = 0
        self.usage = Usage()

    def event(self, kind: type[E], **fields: Any) -> E:
        """The next event of the run."""
        made = kind(seq=self._seq, step=self.usage.steps, **fields)
        self._seq += 1
        return made

    def count(self, what: str) -> None:
        """One more of what `Usage` counts under this name."""
        self.usage = self.usage.model_copy(update={what: getattr(self.usage, what) + 1})

    def next_text(self, stream: str) -> str:
        """What the model writes next in a stream.

        Raises:
            ScriptError: the script says nothing more.
        """
        if not self._texts.get(stream):
            raise ScriptError(
                f"the script has no more texts for the stream {stream!r}, which has a gen or "
                "select to write. Add one."
            )
        return self._texts[stream].pop(0)

    def next_answer(self, ask: Ask) -> str:
        """What the asked stream answers next.

        Raises:
            ScriptError: it is none of the ask's answers.
        """
        left = self._answers.get(ask.stream) or [ask.answers[0]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer not in ask.answers:
            raise ScriptError(
                f"the script answers {answer!r} to {ask.question!r}, whose answers are "
                f"{ask.answers!r}. Give one of them."
            )
        return answer

    def failed(self, error: str, message: str) -> Event:
        """The event that ends a run which cannot go on."""
        return self.event(events.Failed, error=error, message=message)
