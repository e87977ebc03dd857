"""A recorded run goes on otherwise from one of its tokens."""

from collections.abc import Iterable
from pathlib import Path

import pytest

import hogdsl as hog
from hogdsl.errors import PlanError, TraceError
from hogdsl.events import Event, StreamEnded
from hogdsl.plan import ChoicesConstraint, Gen, Region, Watch
from runtime.embedded import EmbeddedRuntime
from runtime.traces.door import fork
from runtime.traces.reading import Trace, read_trace
from tests.scheduler.world import region, stream
from tests.traces.letters import LetterMachine


def model(whole: str) -> str | None:
    """Counts upwards, and after a 9 downwards; A goes before B."""
    written = whole.rsplit(":", 1)[1]
    if "9" not in written:
        return "123456"[len(written)] if len(written) < 6 else None
    last = written[-1]
    return str(int(last) - 1) if last.isdecimal() and last != "0" else None


def team(name: str = "r", **more: object) -> Region:
    made = region(stream("A", Gen()), stream("B", Gen()), **more)
    return made.model_copy(update={"name": name})


def recorded(tmp_path: Path, *regions: Region) -> tuple[Trace, EmbeddedRuntime]:
    folder = tmp_path / "model"
    folder.mkdir()
    runtime = EmbeddedRuntime(LetterMachine(model, folder=folder))
    path = tmp_path / "run.trace"
    session = hog.record(runtime, path).open()
    for each in regions:
        for _ in session.run(each):
            pass
    session.close()
    return read_trace(path), runtime


def texts(events: Iterable[Event]) -> dict[str, str]:
    return {e.stream: e.text for e in events if isinstance(e, StreamEnded)}


def test_a_text_stands_in_the_place_of_a_token_and_the_model_goes_on(tmp_path: Path) -> None:
    trace, runtime = recorded(tmp_path, team())
    made = texts(fork(trace, runtime, stream="A", at=3, text="97"))
    assert made == {"A": "A:123976543210", "B": "B:123456"}
    runtime.close()


def test_the_first_and_the_last_token_can_be_replaced(tmp_path: Path) -> None:
    trace, runtime = recorded(tmp_path, team())
    assert texts(fork(trace, runtime, stream="B", at=0, text="93"))["B"] == "B:93210"
    last = texts(fork(trace, runtime, stream="B", at=6, text="9"))["B"]
    assert last == "B:1234569876543210"
    runtime.close()


def test_what_was_chosen_in_the_same_step_by_others_stays(tmp_path: Path) -> None:
    trace, runtime = recorded(tmp_path, team())
    before = [line for line in trace.lines if line.kind == "step"][4]
    assert len(before.results) == 2
    assert texts(fork(trace, runtime, stream="A", at=3, text="9"))["B"] == "B:123456"
    runtime.close()


def test_the_program_goes_on_behind_the_edited_region(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    runtime = EmbeddedRuntime(LetterMachine(model, folder=folder))

    @hog.program
    def counted(s: hog.Scope) -> str:
        s += ":" + hog.gen("first")
        first = s["first"]
        s += f" {len(first)}:" + hog.gen("second")
        return first + " " + s["second"]

    path = tmp_path / "run.trace"
    assert counted.on(hog.record(runtime, path))() == "123456 123456"
    regions = [line.region.name for line in read_trace(path).lines if line.kind == "region"]
    made = fork(read_trace(path), runtime, stream="main", at=2, text="9", region=regions[0])
    assert counted.on(made.runtime)() == "129876543210 123456"
    again = fork(read_trace(path), runtime, stream="main", at=0, text="91", region=regions[1])
    assert counted.on(again.runtime)() == "123456 910"
    with pytest.raises(TraceError, match="a fork is one run"):
        counted.on(again.runtime)()
    runtime.close()


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    trace, runtime = recorded(tmp_path, team(), team("s"))
    with pytest.raises(TraceError, match="no stream 'C' in any region; there is: A, B"):
        fork(trace, runtime, stream="C", at=0, text="9")
    with pytest.raises(TraceError, match="has no region 'x'; it has: r, s"):
        fork(trace, runtime, stream="A", at=0, text="9", region="x")
    with pytest.raises(TraceError, match=r"fewer tokens than that: 7 in s. .* no token 7"):
        fork(trace, runtime, stream="A", at=7, text="9", region="s")
    with pytest.raises(TraceError, match=r"has a token 2 in several regions: r, s. Say which"):
        fork(trace, runtime, stream="A", at=2, text="9")
    with pytest.raises(TraceError, match="the edit '' has no token"):
        fork(trace, runtime, stream="A", at=2, text="", region="r")
    runtime.close()


def test_a_token_that_the_grammar_does_not_let_come_is_refused(tmp_path: Path) -> None:
    shaped = Gen(constraint=ChoicesConstraint(choices=("123", "145")))
    trace, runtime = recorded(tmp_path, region(stream("A", shaped)))
    assert texts(fork(trace, runtime, stream="A", at=1, text="4")) == {"A": "A:145"}
    for text in ("9", "49"):  # the first token is in the trace, the second one comes live
        with pytest.raises(PlanError, match="its grammar does not let it come there"):
            list(fork(trace, runtime, stream="A", at=1, text=text))
    runtime.close()


def test_a_region_that_waits_for_its_program_is_not_forked_without_it(tmp_path: Path) -> None:
    watch = Watch(name="w", streams=("A",), regex="x", hold="stream")
    trace, runtime = recorded(tmp_path, team(watches=(watch,)))
    with pytest.raises(TraceError, match=r"the region 'r' waits for its program \(w\)"):
        list(fork(trace, runtime, stream="A", at=1, text="9"))
    runtime.close()
