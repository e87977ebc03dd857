"""Detached texts on piglet: encoded once for all places, and the same whether found or encoded."""

from collections.abc import Iterator

import pytest

import hogdsl as hog
from runtime.embedded import EmbeddedRuntime
from runtime.engine import Engine
from runtime.runner import EngineMachine
from runtime.text import Text

DOCUMENT = "a:17+25 b:38+41 c:9+66 d:52+13 " * 24
OPENING, REST = "Here are sums: ", "Work them out."
NOTE = hog.detached(DOCUMENT)


def runtime_with(*, radix: bool) -> EmbeddedRuntime:
    loaded = EngineMachine.load("piglet", device="cpu")
    engine = Engine(loaded.engine.transformer, radix=radix)
    assert loaded.folder is not None
    machine = EngineMachine(engine, Text.load(loaded.folder), name="piglet")
    return EmbeddedRuntime(machine, prepare_thread=machine.prepare_thread)


@pytest.fixture
def runtime() -> Iterator[EmbeddedRuntime]:
    """With an empty cache."""
    runtime = runtime_with(radix=True)
    yield runtime
    runtime.close()
    assert isinstance(runtime.machine, EngineMachine)
    runtime.machine.engine.check()


@pytest.fixture(scope="module")
def forgetful() -> Iterator[EmbeddedRuntime]:
    """Finds nothing that was encoded before."""
    runtime = runtime_with(radix=False)
    yield runtime
    runtime.close()


@hog.program
def reads(s: hog.Scope, before: str) -> tuple[float, ...]:
    """How likely what it writes is: it tells any difference in the keys of what it sees."""
    s += hog.user(before + NOTE + REST) + hog.turn("assistant")
    s += hog.gen("work", max_tokens=12, logprobs=True)
    return tuple(token.logprob for token in s.logprobs("work"))


@hog.program
def two_readers(s: hog.Scope) -> tuple[str, str]:
    """Two streams of one region see it at different places."""
    with s.concurrent() as now:
        with now.think("far", prompt=hog.user("One by one. " + OPENING + NOTE)) as far:
            far += hog.turn("assistant") + hog.gen(max_tokens=8)
        with now.say("near", prompt=hog.user(OPENING + NOTE + REST)) as near:
            near += hog.turn("assistant") + hog.gen(max_tokens=8)
        near.sees()
    return now["far"], now["near"]


def n_encoded(run: "hog.Run[object]") -> int:
    return run.usage.tokens_encoded


def test_it_is_encoded_once_for_two_programs_that_show_it_at_different_places(
    runtime: EmbeddedRuntime,
) -> None:
    first = n_encoded(reads.on(runtime).run(OPENING))
    assert first > 500
    assert n_encoded(reads.on(runtime).run("Please. " + OPENING)) < 80
    assert n_encoded(two_readers.on(runtime).run()) < 120


def test_two_streams_of_one_region_have_one_copy_of_it(forgetful: EmbeddedRuntime) -> None:
    alone = n_encoded(reads.on(forgetful).run(OPENING))
    assert n_encoded(two_readers.on(forgetful).run()) < alone + 60


def test_what_is_written_behind_it_is_the_same_whether_it_was_found_or_not(
    runtime: EmbeddedRuntime, forgetful: EmbeddedRuntime
) -> None:
    reads.on(runtime)("Please. " + OPENING)
    for before in (OPENING, "", "Please. " + OPENING):
        found, expected = reads.on(runtime)(before), reads.on(forgetful)(before)
        assert found == pytest.approx(expected, abs=1e-4)
    assert two_readers.on(runtime)() == two_readers.on(forgetful)()


def test_nothing_of_a_plain_text_of_the_same_tokens_is_taken_for_it(
    runtime: EmbeddedRuntime, forgetful: EmbeddedRuntime
) -> None:
    """Behind the plain text stand keys of tokens that saw the opening; behind the detached one not.

    All texts are in one region, so that the text behind it is looked for before it is encoded.
    """

    @hog.program
    def shown(s: hog.Scope, note: hog.Piece | str) -> tuple[float, ...]:
        tail = "e:1+2 f:3+4 " * 20
        with s.concurrent() as now:
            prompt = hog.user(OPENING) + note + tail
            with now.think("work", prompt=prompt) as work:
                work += hog.turn("assistant") + hog.gen("sums", max_tokens=8, logprobs=True)
        return tuple(token.logprob for token in work.logprobs("sums"))

    plain = shown.on(runtime)(DOCUMENT)
    expected = shown.on(forgetful)(NOTE)
    assert plain != pytest.approx(expected, abs=1e-4), "there is a difference to be seen"
    assert shown.on(runtime)(NOTE) == pytest.approx(expected, abs=1e-4)
    assert shown.on(runtime)(DOCUMENT) == pytest.approx(plain, abs=1e-4)


def test_it_is_encoded_behind_what_it_is_declared_after(
    runtime: EmbeddedRuntime, forgetful: EmbeddedRuntime
) -> None:
    """Shown right behind that, it is a plain text."""

    @hog.program
    def shown(s: hog.Scope, note: hog.Piece | str) -> tuple[float, ...]:
        s += "Sums. "
        s += note + hog.gen("work", max_tokens=8, logprobs=True)
        return tuple(token.logprob for token in s.logprobs("work"))

    behind = hog.detached(DOCUMENT, after="Sums. ")
    plain = shown.on(forgetful)(DOCUMENT)
    assert shown.on(forgetful)(behind) == pytest.approx(plain, abs=1e-4)
    assert shown.on(forgetful)(NOTE) != pytest.approx(plain, abs=1e-4)
    assert shown.on(runtime)(behind) == pytest.approx(plain, abs=1e-4)
    assert n_encoded(shown.on(runtime).run(DOCUMENT)) < 80, "the cache has it as that plain text"
