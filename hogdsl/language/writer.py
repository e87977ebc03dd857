"""Streams that the model writes: appended to while their region is declared."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack, overload

from hogdsl.compiler.ir import HoldIR, NestedIR, StreamRole
from hogdsl.compiler.nodes import Gen, Node, Place, Select
from hogdsl.compiler.writers import Pen, check_pen
from hogdsl.events import ChosenToken
from hogdsl.language.callbacks import OnMatch, watch_text
from hogdsl.language.conditions import Condition, Regex, as_condition
from hogdsl.language.draft import Draft
from hogdsl.language.gens import GenSettings, gen_node, select_node
from hogdsl.language.handles import Handle
from hogdsl.language.later import Later, as_text, logprobs_of, scores_of
from hogdsl.language.pieces import Piece, as_written
from hogdsl.language.schemas import Schema
from hogdsl.language.source import here
from hogdsl.language.tool_calls import watch_calls
from hogdsl.language.tools import Tool

T = TypeVar("T")
OnMatchT = TypeVar("OnMatchT", bound=OnMatch)


class Writer(Handle):
    """A stream that the model writes."""

    def __init__(
        self,
        draft: Draft,
        name: str,
        role: StreamRole,
        *,
        max_tokens: int | None,
        max_seconds: float | None,
        place: Place,
    ) -> None:
        super().__init__(
            draft, name, role, max_tokens=max_tokens, max_seconds=max_seconds, place=place
        )
        self._writes: list[Node | NestedIR] = []
        self._n_values = 0
        self._tools: Place | None = None

    def __iadd__(self, content: str | Piece) -> Self:
        """Append text or a piece.

        Raises:
            ProgramError: the stream's `with` block is not open, or it is neither.
        """
        place = here()
        self._write(as_written(content, f"what {self._name!r} writes", place), place)
        return self

    def __getitem__(self, name: str) -> str:
        """The value of a named `gen` or `select` of this stream.

        Raises:
            ProgramError: the region has not run, or the stream has no such value.
        """
        return self._value(name, here()).value

    def scores(self, name: str) -> Mapping[str, float]:
        """What a named `select` of this stream compared: the mean log-probability per token of
        each choice.

        Raises:
            ProgramError: the region has not run, or the stream has no such `select`.
        """
        place = here()
        return scores_of(self._value(name, place), place)

    def logprobs(self, name: str) -> tuple[ChosenToken, ...]:
        """How likely the tokens were that the model chose for a named `gen` of this stream; see
        `Scope.logprobs`.

        Raises:
            ProgramError: the region has not run, the stream has no such value, or the `gen` does
                not ask for them with `logprobs` or `top_logprobs`.
        """
        place = here()
        return logprobs_of(self._value(name, place), place)

    @overload
    def gen(
        self, schema: None = None, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Later[str]: ...
    @overload
    def gen(
        self, schema: type[T], *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Later[T]: ...
    @overload
    def gen(
        self, schema: object, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Later[Any]: ...
    def gen(
        self, schema: object = None, *, name: str | None = None, **settings: Unpack[GenSettings]
    ) -> Later[Any]:
        """Append a `gen`, and give a handle on what the model will write there.

        Args:
            schema: a type of which the text is a JSON document: a pydantic model, or any type
                that pydantic can validate.
            name: by which the value can be read, too.
            settings: those of `hog.gen`.

        Raises:
            ProgramError: the stream's `with` block is not open, or a setting breaks a rule.
        """
        place = here()
        typed = None if schema is None else Schema(schema, place)
        node = gen_node(name, typed, settings, place)
        return self._later(node, as_text if typed is None else typed.read)

    def select(self, choices: Sequence[str], name: str | None = None) -> Later[str]:
        """Append a `select`, and give a handle on what will be chosen, and on the scores.

        Raises:
            ProgramError: the stream's `with` block is not open, or a choice breaks a rule.
        """
        return self._later(select_node(name, choices, here()), as_text)

    def pauses(self, until: Condition | Regex, at: str | None = None) -> None:
        """Hold this stream until a condition holds.

        Args:
            until: a condition, for example `hog.ended("plan")` or `other.matches(...)`.
            at: hold it each time that it has written this text; by default from its beginning.

        Raises:
            ProgramError: the region is not being declared, or this is no condition.
        """
        place = here()
        self._draft.check_rules(f"a pause of {self._name!r}", place)
        condition = as_condition(until, f"a pause of {self._name!r}", place)
        self._draft.rules.holds.append(
            HoldIR(stream=self.path, until=condition, at=at, place=place)
        )

    def on(self, pattern: str | Regex, hold: bool = True) -> Callable[[OnMatchT], OnMatchT]:
        """Call a function each time that what the model writes in this stream matches `pattern`.

        The function is given the running region (`hog.Live`) and the match (`hog.Match`), in a
        thread of its own while the other streams go on. A text that it returns is written behind
        the stream's. What it raises ends the run.

        Args:
            pattern: a regular expression; it matches as soon as a match is complete.
            hold: the stream stands still until the function has returned.

        Raises:
            ProgramError: the region is not being declared, it is no regular expression, or the
                function cannot be called with two arguments.
        """
        place = here()
        self._draft.check_rules(f"a callback of {self._name!r}", place)
        return watch_text(self._draft.rules, self.path, pattern, hold=hold, place=place)

    def uses(self, *tools: Tool[..., Any], hold: bool = True) -> None:
        """Let the model call tools from this stream; see `hog.tool`.

        Args:
            tools: what it may call; the prompt has to say so, for example by `hog.describe`.
            hold: the stream stands still until the result is written behind its call. The other
                streams go on in any case.

        Raises:
            ProgramError: the region is not being declared, or something is no tool.
        """
        place = here()
        self._draft.check_rules(f"the tools of {self._name!r}", place)
        if self._tools is not None:
            raise place.error(
                f"the tools of {self._name!r} are given twice, at {self._tools} too. "
                "Give them all in one uses().",
                code="tools-twice",
            )
        self._tools = place
        watch_calls(self._draft.rules, self.path, tools, hold=hold, place=place)

    def _later(self, node: Gen | Select, read: Callable[..., Any]) -> Later[Any]:
        self._write((node,), node.place)
        index = self._n_values - 1
        return Later(lambda place: self._value(index, place), read)

    def _write(self, nodes: tuple[Node, ...], place: Place) -> None:
        self.check_pen(place)
        self._writes.extend(nodes)
        self._n_values += sum(isinstance(node, Gen | Select) for node in nodes)

    def check_pen(self, place: Place) -> None:
        """Check that the stream may be written to now.

        Raises:
            ProgramError: it may not.
        """
        check_pen(self._pen(), f"the stream {self._name!r}", place)

    def _pen(self) -> Pen:
        """Whether the stream may be written to now."""
        return self._draft.pen
