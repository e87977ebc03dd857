"""Which runtime a program runs on."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import hogdsl as hog
from hogdsl.language.defaults import OnFirstUse, where
from hogdsl.testing import script


@hog.program
def answers(s: hog.Scope) -> str:
    s += hog.gen("answer")
    return s["answer"]


def test_the_innermost_use_counts():
    with hog.use(script({"main": "outer"})):
        with hog.use(script({"main": "inner"})):
            assert answers() == "inner"
        assert answers() == "outer"


def test_on_counts_more_than_use():
    with hog.use(script({"main": "used"})):
        assert answers.on(script({"main": "bound"}))() == "bound"


def test_use_does_not_close_the_runtime():
    runtime = script({"main": "x"})
    with hog.use(runtime) as used:
        session = used.open()
    assert runtime.sessions == [session]
    assert not runtime.sessions[0].closed


def test_a_stream_runs_where_it_was_called():
    with hog.use(script({"main": "x"})):
        stream = answers.stream()
    assert list(stream)
    assert stream.run.value == "x"


@hog.program
def calls(s: hog.Scope, tenant: str = "") -> str:
    s += hog.gen("first")
    return s["first"] + answers.on(tenant=tenant)()


def test_a_program_that_is_called_belongs_to_the_tenant_of_the_one_that_calls():
    runtime = script({"main": "x"})
    calls.on(runtime, tenant="ada")()
    assert [session.tenant for session in runtime.sessions] == ["ada", "ada"]


def test_a_program_may_call_another_one_for_another_tenant():
    runtime = script({"main": "x"})
    calls.on(runtime, tenant="ada")("bob")
    assert [session.tenant for session in runtime.sessions] == ["ada", "bob"]


def test_use_names_the_tenant_of_the_programs_in_its_block():
    runtime = script({"main": "x"})
    with hog.use(runtime, tenant="ada"):
        answers()
        list(answers.stream())
        answers.batch([()], progress=False)
    answers.on(runtime)()
    assert [session.tenant for session in runtime.sessions] == ["ada", "ada", "ada", ""]


def test_a_conversation_belongs_to_a_tenant():
    runtime = script({"main": "x"})
    with hog.conversation(runtime, tenant="ada") as s:
        s += hog.gen()
    assert runtime.sessions[0].tenant == "ada"


def test_without_any_the_embedded_runtime_is_meant_and_not_made_yet():
    assert isinstance(where(None, "").runtime, OnFirstUse)


def test_a_runtime_on_first_use_is_made_once_for_all_threads():
    made: list[hog.Runtime] = []
    everybody = Barrier(4)

    def make() -> hog.Runtime:
        made.append(script({}))
        return made[-1]

    first_use = OnFirstUse(make)
    assert made == []

    def ask(_: int) -> hog.Runtime:
        everybody.wait(timeout=10)
        return first_use()

    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(ask, range(4)))
    assert len(made) == 1
    assert given == made * 4


def test_a_runtime_that_could_not_be_made_is_tried_again():
    results: list[hog.Runtime | None] = [None, script({})]

    def make() -> hog.Runtime:
        made = results.pop(0)
        if made is None:
            raise hog.ModelError("no such folder")
        return made

    first_use = OnFirstUse(make)
    with pytest.raises(hog.ModelError):
        first_use()
    assert first_use().stats().model == "script"
