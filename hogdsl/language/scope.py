"""The scope: a program's sequential code."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack, final, overload

from hogdsl.compiler.nodes import Place, check_count
from hogdsl.events import ChosenToken
from hogdsl.language.conditions import Condition, Regex
from hogdsl.language.draft import Draft
from hogdsl.language.gens import GenSettings, gen_node, select_node
from hogdsl.language.later import logprobs_of, scores_of
from hogdsl.language.layouts import Layout, LayoutFunction
from hogdsl.language.now import Now
from hogdsl.language.pieces import Piece
from hogdsl.language.regions import Keep
from hogdsl.language.schemas import Schema
from hogdsl.language.source import here
from hogdsl.language.team import CONTIGUOUS, Team
from hogdsl.language.trace import Trace

T = TypeVar("T")


@final
class Scope:
    """What a program writes to, one piece after another, and where it opens regions."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __iadd__(self, content: str | Piece) -> Self:
        """Append text or a piece; it runs when a value is read, a region runs or the program ends.

        Raises:
            ProgramError: a region is open, or it is neither text nor a piece.
        """
        self._trace.write(content, here())
        return self

    def __getitem__(self, name: str) -> str:
        """The value of a named `gen` or `select` of the scope; waits for it.

        A name may be given again once its value has been read, and then means the newest.

        Raises:
            ProgramError: the scope has no such value.
        """
        return self._trace.read(name, here()).value

    def scores(self, name: str) -> Mapping[str, float]:
        """What a named `select` compared: the mean log-probability per token of each choice.

        Raises:
            ProgramError: the scope has no such value, or it is none of a `select`.
        """
        place = here()
        return scores_of(self._trace.read(name, place), place)

    def logprobs(self, name: str) -> tuple[ChosenToken, ...]:
        """How likely each token was that the model chose for a named `gen`: by the model's own
        distribution, before masks, penalties, bias and temperature.

        The tokens of its stop and the one that ended it are there, too, though they are no part of
        the value.

        Raises:
            ProgramError: the scope has no such value, or the `gen` does not ask for them with
                `logprobs` or `top_logprobs`.
        """
        place = here()
        return logprobs_of(self._trace.read(name, place), place)

    @overload
    def gen(
        self, schema: None = None, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> str: ...
    @overload
    def gen(
        self, schema: type[T], *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> T: ...
    @overload
    def gen(
        self, schema: object, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Any: ...
    def gen(
        self, schema: object = None, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Any:
        """Let the model write here, wait for it, and give the value.

        Args:
            schema: a type of which the text is a JSON document: a pydantic model, or any type
                that pydantic can validate.
            name: by which the value can be read again.
            settings: those of `hog.gen`.

        Raises:
            ProgramError: a region is open, a setting breaks a rule, or the value is not whole.
        """
        place = here()
        typed = None if schema is None else Schema(schema, place)
        value = self._trace.run_node(gen_node(name, typed, settings, place))
        return value.value if typed is None else typed.read(value, place)

    def select(self, choices: Sequence[str], name: str | None = None) -> str:
        """Let the model choose one of `choices`, wait for it, and give it.

        Raises:
            ProgramError: a region is open, or a choice breaks a rule.
        """
        return self._trace.run_node(select_node(name, choices, here())).value

    def fork(
        self,
        *names: str | int,
        layout: Layout | LayoutFunction = CONTIGUOUS,
        max_tokens: int | None = None,
        max_total_tokens: int | None = None,
        max_seconds: float | None = None,
        keep: Keep = "all",
    ) -> Team:
        """Workers that run at the same time; all see the scope first.

        Args:
            names: names of the workers, or one number of workers.
            layout: how they see each other: one of `hogdsl.layouts`, or a function
                `(me, others, shared) -> view`.
            max_tokens: the most tokens that each writes.
            max_total_tokens: the most tokens that all write together.
            max_seconds: the longest that the region runs.
            keep: whose blocks the scope sees afterwards: `"all"`, names, or `()` for nobody.
                With a layout that has steps, their history stays if anybody's block does.

        Raises:
            ProgramError: there is no worker, or an argument breaks a rule.
        """
        return Team(
            self._trace,
            self._draft(max_total_tokens, here()),
            names,
            layout=layout,
            max_tokens=max_tokens,
            max_seconds=max_seconds,
            keep=keep,
        )

    def concurrent(
        self,
        *,
        until: Condition | Regex | None = None,
        max_total_tokens: int | None = None,
        max_seconds: float | None = None,
        keep: Keep = "all",
    ) -> Now:
        """Streams that listen, think and speak at the same time; all see the scope first.

        Args:
            until: ends the region when it holds.
            max_total_tokens: the most tokens that all write together.
            max_seconds: the longest that the region runs.
            keep: whose blocks the scope sees afterwards: `"all"`, names, or `()` for nobody.

        Raises:
            ProgramError: an argument breaks a rule.
        """
        return Now(
            self._trace,
            self._draft(max_total_tokens, here()),
            until=until,
            max_seconds=max_seconds,
            keep=keep,
        )

    def _draft(self, max_total_tokens: int | None, place: Place) -> Draft:
        check_count("max_total_tokens", max_total_tokens, place)
        draft = Draft(self._trace.driver, place)
        draft.rules.max_tokens = max_total_tokens
        return draft
