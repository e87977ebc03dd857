"""A backend of SGLang's frontend that plays a script, as `hogdsl.testing.script` does.

A run's own stream is `main`; those of a fork are `worker1`, `worker2`, and so on. Each takes the
texts of its name in order, and every run begins the script anew.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import pytest
from sglang.lang.backend.base_backend import BaseBackend
from sglang.lang.chat_template import ChatTemplate
from sglang.lang.choices import ChoicesDecision
from sglang.lang.interpreter import StreamExecutor
from sglang.lang.ir import SglSamplingParams

PLAIN = ChatTemplate(name="plain", default_system_prompt="", role_prefix_and_suffix={})
"""Turns leave no text, as in the script of hogdsl."""
INTEGER = r"-?\d+"


class ScriptedBackend(BaseBackend):
    """Plays texts by stream, cut at stops and budgets; a token is a word with the space after."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.chat_template = PLAIN
        self._texts, self._lock = texts, Lock()
        self._names: dict[str, tuple[str, str]] = {}
        """By executor: the run that it is a part of, and its name there."""
        self._taken: dict[tuple[str, str], int] = {}

    def forked(self, parent: StreamExecutor, children: Sequence[StreamExecutor]) -> None:
        """Note whose children these are."""
        run, _ = self._name(parent)
        for n, child in enumerate(children, start=1):
            self._names[child.sid] = run, f"worker{n}"

    def generate(
        self, s: StreamExecutor, sampling_params: SglSamplingParams
    ) -> tuple[str, dict[str, Any]]:
        return "".join(self._words(s, sampling_params)), {}

    def generate_stream(
        self, s: StreamExecutor, sampling_params: SglSamplingParams
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        # in one piece: SGLang's iterators may miss what comes while they look
        yield self.generate(s, sampling_params)

    def select(
        self,
        s: StreamExecutor,
        choices: list[str],
        temperature: float,
        choices_method: object = None,
    ) -> ChoicesDecision:
        text = self._next(s)
        assert text in choices
        return ChoicesDecision(text)

    def _words(self, s: StreamExecutor, params: SglSamplingParams) -> list[str]:
        text = self._next(s)
        stops = [params.stop] if isinstance(params.stop, str) else params.stop
        cuts = [at for stop in stops if (at := text.find(stop)) >= 0]
        text = text[: min(cuts, default=None)]
        # the runtime backends of SGLang turn a dtype into a regular expression
        pattern = INTEGER if params.dtype is int else params.regex
        assert pattern is None or re.fullmatch(pattern, text)
        return re.findall(r"\S+\s*|\s+", text)[: params.max_new_tokens]

    def _next(self, s: StreamExecutor) -> str:
        name = self._name(s)
        with self._lock:
            taken = self._taken.get(name, 0)
            self._taken[name] = taken + 1
        return self._texts[name[1]][taken]

    def _name(self, s: StreamExecutor) -> tuple[str, str]:
        return self._names.get(s.sid, (s.sid, "main"))


def tell_of_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have scripted backends told of forks: SGLang 0.5.2 does not tell its backends."""
    fork = StreamExecutor.fork

    def told(self: StreamExecutor, *args: Any, **kwargs: Any) -> list[StreamExecutor]:
        children = fork(self, *args, **kwargs)
        assert isinstance(self.backend, ScriptedBackend)
        self.backend.forked(self, children)
        return children

    monkeypatch.setattr(StreamExecutor, "fork", told)
