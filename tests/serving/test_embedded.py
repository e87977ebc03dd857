"""The embedded runtime on piglet: many runs at once, and nothing left behind (laws 6 and 7)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import hogdsl as hog
from hogdsl.errors import CapacityError, InternalError, RunCancelled
from runtime.embedded import EmbeddedRuntime, start
from runtime.model.transformer import Attend, Transformer
from runtime.runner import EngineMachine

PROBLEM = "a:17+25 b:38+41 c:9+66 d:52+13"


@pytest.fixture(scope="module")
def shared_runtime() -> Iterator[EmbeddedRuntime]:
    runtime = start()
    yield runtime
    runtime.close()


@pytest.fixture
def runtime(shared_runtime: EmbeddedRuntime) -> Iterator[EmbeddedRuntime]:
    """Piglet; every test leaves no page behind."""
    yield shared_runtime
    assert shared_runtime.stats().pages_used == 0
    assert shared_runtime.stats().runs == 0


def transformer_of(runtime: EmbeddedRuntime) -> Transformer:
    assert isinstance(runtime.machine, EngineMachine)
    return runtime.machine.engine.transformer


@hog.program
def alone(s: hog.Scope, problem: str, temperature: float = 0.0) -> str:
    s += hog.user(problem)
    s += hog.assistant(hog.gen("work", max_tokens=60, temperature=temperature, top_p=0.95))
    return s["work"]


@hog.program
def masked(s: hog.Scope, problem: str) -> str:
    """Chosen by grammar, without some tokens, at random."""
    s += hog.user(problem) + hog.turn("assistant")
    s += hog.gen("sums", regex=r"(\d{1,3}[ ,;]){4}", temperature=2.0, top_k=20)
    s += hog.gen("rest", forbid=["=", "\n"], temperature=1.0, max_tokens=8)
    return s["sums"] + s["rest"]


@hog.program
def pair(s: hog.Scope, problem: str) -> str:
    s += hog.user(problem) + hog.turn("assistant")
    layout = hog.layouts.combined(step="\n", header="{name}: ")
    with s.fork("Alice", "Bob", layout=layout) as team:
        for worker in team:
            worker += hog.gen(max_tokens=60)
    return "".join(worker.text for worker in team)


@hog.program
def endless(s: hog.Scope) -> str:
    """Writes until its budget, which is far away."""
    s += hog.user("a:1+2") + hog.turn("assistant")
    with s.fork("Alice", "Bob") as team:
        for worker in team:
            worker += hog.gen(max_tokens=100_000, temperature=5.0, ignore_eos=True)
    return ""


def test_a_run_uses_pages_and_gives_all_of_them_back(runtime: EmbeddedRuntime) -> None:
    stream = endless.on(runtime).stream()
    with stream:
        for event in stream:
            if event.kind == "token" and event.step > 5:
                assert runtime.stats().pages_used > 0
                break
    assert runtime.stats().pages_used == 0


def test_a_consumer_that_is_interrupted_frees_the_run(runtime: EmbeddedRuntime) -> None:
    def interrupted() -> None:
        with endless.on(runtime).stream() as stream:
            for event in stream:
                if event.kind == "token":
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert runtime.stats().pages_used == 0


def test_a_session_can_be_cancelled_from_another_thread(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    (region,) = endless.compile().regions[1:]
    (main,) = endless.compile().regions[:1]
    list(session.run(main))
    events = session.run(region)
    next(events)
    canceller = threading.Thread(target=session.cancel)
    canceller.start()
    canceller.join()
    last = list(events)[-1]
    assert last.kind == "failed"
    assert last.error == "RunCancelled"
    session.close()


def test_a_closed_session_runs_nothing_more(runtime: EmbeddedRuntime) -> None:
    session = runtime.open()
    session.close()
    session.close()
    with pytest.raises(RunCancelled, match="session is closed"):
        list(session.run(alone.compile(PROBLEM).regions[0]))


def test_closing_the_runtime_ends_its_runs() -> None:
    runtime = start()
    session = runtime.open()
    plan = endless.compile()
    list(session.run(plan.regions[0]))
    events = session.run(plan.regions[1])
    next(events)
    runtime.close()
    last = list(events)[-1]
    assert last.kind == "failed"
    assert last.error == "RunCancelled"
    with pytest.raises(RunCancelled, match="runtime is closed"):
        runtime.open()


def test_a_region_that_was_asked_for_when_the_runtime_closed_fails_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = start()
    session = runtime.open()
    busy, asked_for = threading.Event(), threading.Event()
    submit = runtime.submit

    def hold() -> None:
        busy.wait(30)

    submit(hold)

    def submit_and_tell(command: Callable[[], None]) -> None:
        submit(command)
        asked_for.set()

    monkeypatch.setattr(runtime, "submit", submit_and_tell)
    with ThreadPoolExecutor(2) as pool:
        last = pool.submit(lambda: list(session.run(alone.compile(PROBLEM).regions[0]))[-1])
        assert asked_for.wait(30)
        closing = pool.submit(runtime.close)
        busy.set()
        assert last.result(30).kind in ("failed", "joined")
        closing.result(30)
    assert runtime.stats().pages_used == 0


def test_runs_give_the_same_tokens_alone_and_among_others(runtime: EmbeddedRuntime) -> None:
    problems = [f"a:{n}+{n + 3} b:{90 - n}+7" for n in range(10, 15)]
    runs: list[Callable[[str], str]] = [
        lambda problem: alone.on(runtime)(problem),
        lambda problem: alone.on(runtime, seed=5)(problem, temperature=1.5),
        lambda problem: masked.on(runtime, seed=7)(problem),
        lambda problem: pair.on(runtime)(problem),
    ]
    work = [(run, problem) for problem in problems for run in runs]
    single = [run(problem) for run, problem in work]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda item: item[0](item[1]), work))
    assert together == single


def test_a_seed_repeats_a_run_and_another_seed_does_not(runtime: EmbeddedRuntime) -> None:
    first, again, other = (
        alone.on(runtime, seed=seed)(PROBLEM, temperature=3.0) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_run_that_waits_for_its_program_makes_room_and_goes_on_later() -> None:
    runtime = start(n_cache_tokens=512)
    plan, other = pair.compile("a:10+25 " * 35), pair.compile("b:41+25 " * 35)
    old, new = runtime.open(), runtime.open()
    list(old.run(plan.regions[0]))
    assert runtime.stats().pages_used > 16
    assert list(new.run(other.regions[0]))[-1].kind == "joined"
    joined = list(old.run(plan.regions[1]))[-1]
    assert joined.kind == "joined"
    assert joined.usage.suspensions == 1
    old.close()
    new.close()
    assert runtime.stats().pages_used == 0
    runtime.close()


def test_a_prompt_beyond_the_context_is_refused_with_the_limit(runtime: EmbeddedRuntime) -> None:
    with pytest.raises(CapacityError, match="context holds 2048"):
        alone.on(runtime)("a:1+1 " * 1000)


def test_a_fault_of_the_engine_reaches_the_caller_and_frees_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = start()
    calls = iter(range(100))

    def broken(tokens: torch.Tensor, attend: Attend) -> torch.Tensor:
        if next(calls) < 3:
            return whole(tokens, attend)
        raise RuntimeError("the device is on fire")

    transformer = transformer_of(runtime)
    whole = transformer.hidden
    monkeypatch.setattr(transformer, "hidden", broken)
    with pytest.raises(InternalError, match="the device is on fire"):
        alone.on(runtime)(PROBLEM)
    assert runtime.stats().pages_used == 0
    runtime.close()


def test_a_run_that_breaks_a_step_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = start()
    transformer = transformer_of(runtime)
    whole = transformer.hidden
    poison = runtime.machine.text.encode("z")[0]

    def fussy(tokens: torch.Tensor, attend: Attend) -> torch.Tensor:
        if (tokens == poison).any():
            raise RuntimeError("no z, please")
        return whole(tokens, attend)

    monkeypatch.setattr(transformer, "hidden", fussy)
    expected = alone.on(runtime)(PROBLEM)
    with ThreadPoolExecutor(6) as pool:
        problems = [PROBLEM, "a:z", PROBLEM, PROBLEM, "b:z", PROBLEM]
        outcomes = list(pool.map(lambda problem: _outcome(runtime, problem), problems))
    assert outcomes == [expected, "no z, please", expected, expected, "no z, please", expected]
    assert runtime.stats().pages_used == 0
    runtime.close()


def _outcome(runtime: EmbeddedRuntime, problem: str) -> str:
    try:
        return alone.on(runtime)(problem)
    except InternalError as error:
        return str(error)
