"""What the model of a script says next, and whether the program lets it."""

import json
from collections.abc import Mapping

from hogdsl.errors import PlanError
from hogdsl.plan import Ask, Gen, JsonConstraint, Select
from runtime.scripted.words import Words

Texts = Mapping[str, tuple[str, ...]]


class ScriptTexts:
    """The texts and answers that are left of one run's script.

    What goes on behind a nested fork, `Alice#2`, takes its texts from those of `Alice`.
    """

    def __init__(self, texts: Texts, answers: Texts, words: Words) -> None:
        self._texts = {name: list(values) for name, values in texts.items()}
        self._answers = {name: list(values) for name, values in answers.items()}
        self._words = words

    def text(self, stream: str, gen: Gen) -> str:
        """What the model writes in a `gen`.

        Raises:
            PlanError: the script says nothing more, or what its constraint does not allow.
        """
        text = self._next(stream)
        constraint = gen.constraint
        if constraint is None:
            return text
        if isinstance(constraint, JsonConstraint):
            text = _compact(text)
        fits = self._words.matcher(constraint).misfit(text)
        if fits is None:
            return text
        found = f"and {text!r} is not all of it" if fits == text else f"which allows {fits!r}"
        raise PlanError(
            f"the script writes {text!r} in the stream {stream!r}, where a gen with "
            f"{constraint.kind}= stands, {found}. Give a text that fits."
        )

    def choice(self, stream: str, select: Select) -> str:
        """Which choice the model makes.

        Raises:
            PlanError: the script says nothing more, or something that is no choice.
        """
        text = self._next(stream)
        if text not in select.choices:
            raise PlanError(
                f"the script selects {text!r} in the stream {stream!r}, whose choices are "
                f"{select.choices!r}. Give one of them."
            )
        return text

    def answer(self, ask: Ask) -> str:
        """What the asked stream answers; its last answer counts from then on.

        Raises:
            PlanError: it is none of the ask's answers.
        """
        left = self._answers.get(_whole(ask.stream)) or [ask.answers[0]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer not in ask.answers:
            raise PlanError(
                f"the script answers {answer!r} to {ask.question!r}, whose answers are "
                f"{ask.answers!r}. Give one of them."
            )
        return answer

    def _next(self, stream: str) -> str:
        left = self._texts.get(_whole(stream))
        if not left:
            raise PlanError(
                f"the script has no more texts for the stream {stream!r}, which has a gen or "
                "select to write. Add one."
            )
        return left.pop(0)


def _whole(stream: str) -> str:
    """The name that all parts of a stream have in a script."""
    return "/".join(part.partition("#")[0] for part in stream.split("/"))


def _compact(text: str) -> str:
    """JSON as a constrained model writes it, without white space; anything else as it is."""
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    except ValueError:
        return text
