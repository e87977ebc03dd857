"""What opens and closes a chat turn, found out from the model's own chat template.

A template renders whole conversations only. So conversations are rendered whose messages are
markers, and what stands around the markers is the turns' text:

    [user M, assistant M, user M]  ->  OPEN(user, first) M CLOSE(user) OPEN(assistant) M …

Where one close meets the next open they are told apart by a conversation that ends there. A
template that does not give a role a turn of its own at that place is refused, with the reason.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from hogdsl.errors import ModelError

Role = Literal["system", "user", "assistant"]
Message = dict[str, str]
Render = Callable[[list[Message], bool], str]
"""`render(messages, add_generation_prompt)`; may raise anything that a template can raise."""

_MARKER = re.compile(r"qzMessage\d+qz")
# Models that think by default open their thoughts in the generation prompt, or show empty ones in
# the last turn. Whether a stream thinks is for the program to say.
_THOUGHTS = re.compile(r"<think>\s*(</think>\s*)?\Z")


class ChatTurns:
    """The turns of one chat template."""

    def __init__(self, render: Render, *, source: str) -> None:
        """
        Args:
            render: the template.
            source: where it came from, for messages.
        """
        self._render = render
        self._source = source
        self._around_cache: dict[tuple[tuple[Role, ...], bool], list[str]] = {}

    def open(self, role: Role, *, first: bool) -> str:
        """The text that opens a turn; thoughts are not opened.

        Args:
            role: whose turn it is.
            first: nothing stands before it. Then BOS and a default system message, if the template
                writes them, are part of it.

        Raises:
            ModelError: the template has no such turn there.
        """
        place = "at the start" if first else "after another turn"
        with self._explained(role, place):
            return self._open_first(role) if first else self._open_next(role)

    def close(self, role: Role) -> str:
        """The text that closes a turn.

        Raises:
            ModelError: the template gives the role no turn of its own.
        """
        with self._explained(role, "that could be closed"):
            return self._close(role)

    @contextmanager
    def _explained(self, role: Role, place: str) -> Iterator[None]:
        try:
            yield
        except _NoTurnError as error:
            raise ModelError(
                f"{self._source}: the chat template gives the role {role!r} no turn of its own "
                f"{place}: {error}. Put the text into a user turn, or write the turn as text."
            ) from error.__cause__

    def _open_first(self, role: Role) -> str:
        match role:
            case "system":
                self._close("system")  # where system text runs into the user's it is no turn
                return self._around("system", "user")[0]
            case "user":
                return self._around("user")[0]
            case "assistant":
                return _up_to(self._open_reply(), self._around("assistant")[0])

    def _open_next(self, role: Role) -> str:
        match role:
            case "system":
                between = self._around("user", "assistant", "system", "user")[2]
                return _after(self._close("assistant"), between)
            case "user":
                between = self._around("user", "assistant", "user")[2]
                return _after(self._close("assistant"), between)
            case "assistant":
                return self._open_reply()

    def _close(self, role: Role) -> str:
        match role:
            case "system":
                between, opened = self._around("system", "user")[1], self._open_next("user")
                if not between.endswith(opened):
                    raise _NoTurnError(f"it joins system and user messages with {between!r}")
                return between.removesuffix(opened)
            case "user":
                return self._around("user")[-1]
            case "assistant":
                return self._around("user", "assistant")[-1]

    def _open_reply(self) -> str:
        """What the generation prompt and a finished turn both open the assistant's turn with."""
        closed = self._close("user")
        prompt = _after(closed, self._around("user", prompt=True)[-1])
        finished = self._around("user", "assistant", "user")[1]
        past = _without_thoughts(_after(closed, finished))
        if prompt.startswith(past):
            return past
        if not prompt:
            # The template has no generation prompt. A space before the reply is the model's to
            # write: it is part of its first token.
            return past if past.strip() else ""
        if past.startswith(prompt):
            return prompt
        raise _NoTurnError(f"it opens a new one with {prompt!r} and a finished one with {past!r}")

    def _around(self, *roles: Role, prompt: bool = False) -> list[str]:
        """The texts before, between and after the messages of a conversation of these roles."""
        key = (roles, prompt)
        if key not in self._around_cache:
            self._around_cache[key] = self._split(roles, prompt)
        return self._around_cache[key]

    def _split(self, roles: Sequence[Role], prompt: bool) -> list[str]:
        markers = [f"qzMessage{index}qz" for index in range(len(roles))]
        messages = [
            {"role": role, "content": marker} for role, marker in zip(roles, markers, strict=True)
        ]
        conversation = f"messages of the roles {', '.join(roles)}"
        try:
            text = self._render(messages, prompt)
        except ModelError:
            raise
        except Exception as error:  # a template is a foreign program
            raise _NoTurnError(f"{conversation} make it fail: {error}") from error
        if _MARKER.findall(text) != markers:
            raise _NoTurnError(f"{conversation} do not come out once and in order")
        return _MARKER.split(text)


class _NoTurnError(Exception):
    """The reason why a turn cannot be told from the template."""


def _after(closed: str, text: str) -> str:
    if not text.startswith(closed):
        raise _NoTurnError(f"the turn before it is closed with {closed!r}, but then with {text!r}")
    return text.removeprefix(closed)


def _up_to(opened: str, text: str) -> str:
    """`text` without the thoughts that may follow the opening of a reply."""
    if opened not in text:
        raise _NoTurnError(f"it opens it with {text!r}, but elsewhere with {opened!r}")
    return text[: text.rindex(opened) + len(opened)]


def _without_thoughts(opened: str) -> str:
    return _THOUGHTS.sub("", opened)
