"""Values that are still to come: typed handles on what a stream writes at one place."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, final

from hogdsl.compiler.nodes import Place
from hogdsl.events import ChosenToken, GenReason, Value
from hogdsl.language.source import here

T_co = TypeVar("T_co", covariant=True)


@final
class Later(Generic[T_co]):
    """What a `gen` or `select` of a stream writes; to be read when the region has run.

    Every property raises `ProgramError` before that, or if the stream ended before it came here.
    """

    def __init__(
        self, find: Callable[[Place], Value], read: Callable[[Value, Place], T_co]
    ) -> None:
        self._find, self._read = find, read

    @property
    def value(self) -> T_co:
        """The value, validated if it has a schema.

        Raises:
            ProgramError: it is not whole, or breaks a rule of its type.
        """
        place = here()
        return self._read(self._find(place), place)

    @property
    def text(self) -> str:
        """The value as the model wrote it."""
        return self._find(here()).value

    @property
    def reason(self) -> GenReason:
        """Why the model wrote no further."""
        return self._find(here()).reason

    @property
    def scores(self) -> Mapping[str, float]:
        """Of a `select`: the mean log-probability per token of each choice.

        Raises:
            ProgramError: it is no `select`.
        """
        place = here()
        return scores_of(self._find(place), place)

    @property
    def logprobs(self) -> tuple[ChosenToken, ...]:
        """Of a `gen` that asks for them: how likely each token was that the model chose for it.

        Raises:
            ProgramError: it does not ask for them.
        """
        place = here()
        return logprobs_of(self._find(place), place)

    def __format__(self, format_spec: str) -> str:
        raise here().error(
            "a value that is still to come cannot stand in an f-string. "
            "Read its .value, after its region.",
            code="piece-in-text",
        )


def scores_of(value: Value, place: Place) -> Mapping[str, float]:
    """The scores of a `select`.

    Raises:
        ProgramError: the value is none of a `select`.
    """
    if value.scores is None:
        raise place.error(
            "scores are what a select compares, and this is a gen. Write hog.select(...).",
            code="no-scores",
        )
    return value.scores


def logprobs_of(value: Value, place: Place) -> tuple[ChosenToken, ...]:
    """The log-probabilities of a `gen`.

    Raises:
        ProgramError: it does not ask for them.
    """
    if value.logprobs is None:
        raise place.error(
            "log-probabilities are told of a gen that asks for them, and this one does not. "
            "Write hog.gen(..., logprobs=True).",
            code="no-logprobs",
        )
    return value.logprobs


def as_text(value: Value, _: Place) -> str:
    """The value of a `gen` without a schema."""
    return value.value
