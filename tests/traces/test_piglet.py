"""Every program on the real model: recorded, repeated, and told from another model."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import hogdsl as hog
from hogdsl.events import Event, Joined
from hogdsl.traces import traces
from programs.debate import debate
from programs.fork_vote import fork_vote
from programs.interruptible import interruptible
from programs.keep_listening import keep_listening
from programs.solo import solo, think_first
from programs.solve_together import solve_together
from programs.talk_while_thinking import talk_while_thinking
from programs.tool_while_talking import tool_while_talking
from runtime.engine import PIGLET_FOLDER

SUMS = "a:17+25 b:38+41 c:9+66"


@pytest.fixture(scope="module")
def piglet() -> Iterator[hog.Runtime]:
    runtime = hog.local(device="cpu")
    yield runtime
    assert runtime.stats().pages_used == 0
    runtime.close()


def spoken(*items: tuple[int, str], closed_at: int) -> hog.Channel:
    mic = hog.Channel()
    for step, text in items:
        mic.send(text, at_step=step)
    mic.close(at_step=closed_at)
    return mic


def heard() -> hog.Channel:
    return spoken((0, " a:12"), (9, " b:7"), (40, " ?"), closed_at=70)


Play = Callable[[hog.Runtime], hog.Run[object]]
PLAYS: dict[str, Play] = {
    "solo": lambda on: solo.on(on).run(SUMS),
    "think_first": lambda on: think_first.on(on).run("17+25+38"),
    "solve_together": lambda on: solve_together.on(on).run(SUMS),
    "interleaved": lambda on: solve_together.on(on).run(SUMS, layout="interleaved"),
    "talk_while_thinking": lambda on: talk_while_thinking.on(on).run("17+25+38"),
    "tool_while_talking": lambda on: tool_while_talking.on(on).run("17*25, 38+41"),
    "fork_vote": lambda on: fork_vote.on(on, seed=5).run("17+25", ("41", "42"), voters=3),
    "debate": lambda on: debate.on(on).run("a:17+25 b:38+41", "a:17+25=43\n"),
    "keep_listening": lambda on: keep_listening.on(on).run(heard()),
    "interruptible": lambda on: interruptible.on(on).run(SUMS, spoken((12, "a:5+6"), closed_at=13)),
}


def without_cache(event: Event) -> Event:
    """An event without what depends on the texts that other runs have left in the cache."""
    if isinstance(event, Joined):
        usage = event.usage.model_copy(update={"tokens_encoded": 0, "tokens_cached": 0})
        return event.model_copy(update={"usage": usage})
    return event


@pytest.mark.parametrize("name", PLAYS)
def test_a_recorded_program_is_repeated_event_by_event(
    piglet: hog.Runtime, tmp_path: Path, name: str
) -> None:
    run = PLAYS[name](hog.record(piglet, tmp_path / "t"))
    trace = traces().read_trace(tmp_path / "t")
    again = traces().replay(trace, piglet)
    assert [*map(without_cache, again)] == [*map(without_cache, run.events)]
    assert again.n_steps == trace.n_steps > 5
    assert again.n_tokens == run.usage.tokens_generated


def test_a_run_that_was_recorded_among_others_is_repeated_alone(
    piglet: hog.Runtime, tmp_path: Path
) -> None:
    vote = fork_vote.on(hog.record(piglet, tmp_path / "t"), seed=11)
    with ThreadPoolExecutor() as pool:
        others = [pool.submit(solve_together.on(piglet).run, SUMS) for _ in range(3)]
        run = vote.run("17+25", ("41", "42"), voters=3, temperature=1.5)
        for other in others:
            other.result()
    again = traces().replay(traces().read_trace(tmp_path / "t"), piglet)
    assert [*map(without_cache, again)] == [*map(without_cache, run.events)]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Piglet with one weight that is another one."""
    folder = tmp_path_factory.mktemp("changed") / "piglet"
    shutil.copytree(PIGLET_FOLDER, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][5] = 1e4
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_model_with_one_other_weight_is_refused_by_its_hash(
    piglet: hog.Runtime, changed: Path, tmp_path: Path
) -> None:
    PLAYS["solo"](hog.record(piglet, tmp_path / "t"))
    other = hog.local(str(changed), device="cpu")
    with pytest.raises(hog.TraceError, match="recorded with the model 'piglet', whose config or"):
        traces().replay(traces().read_trace(tmp_path / "t"), other)
    other.close()


def test_a_model_with_one_other_weight_is_found_where_it_chooses_otherwise(
    piglet: hog.Runtime, changed: Path, tmp_path: Path
) -> None:
    PLAYS["solo"](hog.record(piglet, tmp_path / "t"))
    other = hog.local(str(changed), device="cpu")
    own = PLAYS["solo"](other)
    recorded = traces().read_trace(tmp_path / "t")
    replay = traces().replay(recorded, other, any_model=True)
    with pytest.raises(
        hog.TraceError, match=r"is another one: the recorded run chose '.*' \(token"
    ):
        list(replay)
    right = solo.on(piglet).run(SUMS)
    tokens = ([e.token for e in run.events if e.kind == "token"] for run in (right, own))
    same = next(i for i, (a, b) in enumerate(zip(*tokens, strict=False)) if a != b)
    assert replay.n_tokens == same
    assert other.stats().pages_used == 0
    other.close()
