"""Random programs that keep the rules: their plans survive JSON, are sound, and run to the end."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

import hogdsl as hog
from hogdsl.plan import Plan, Region, TextBlock
from hogdsl.testing import ScriptRuntime

TEXTS = st.text(alphabet="ab {}\n\\é", max_size=6)
LAYOUTS = st.sampled_from(
    [
        hog.layouts.contiguous(),
        hog.layouts.isolated(header="{name}: "),
        hog.layouts.combined(step="\n"),
    ]
)
MANY = ("some words\nto write ",) * 200


@dataclass(frozen=True)
class Fork:
    names: tuple[str, ...]
    layout: hog.layouts.Layout
    text: str
    keep: str | tuple[str, ...]
    seconds: float | None


@dataclass(frozen=True)
class Concurrent:
    thoughts: int
    prompt: str | None
    views: tuple[tuple[int | str, ...] | None, ...]
    """For each thought and for the reply, last; a number is a stream, counted round."""
    each: str | None
    keep: str


Part = str | hog.Piece | Fork | Concurrent

GENS = st.builds(
    hog.gen,
    st.none(),
    max_tokens=st.none() | st.integers(1, 9),
    stop=st.none() | st.sampled_from(["\n", "}", ("a", "b")]),
    temperature=st.sampled_from([0.0, 0.7]),
    top_k=st.none() | st.integers(1, 50),
)
FORKS = st.builds(
    Fork,
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True).map(tuple),
    LAYOUTS,
    TEXTS,
    st.sampled_from(["all", ()]),
    st.none() | st.floats(0.5, 100),
)
VIEWS = st.none() | st.lists(st.integers(0, 3) | TEXTS, max_size=4).map(tuple)
CONCURRENTS = st.builds(
    Concurrent,
    st.integers(1, 3),
    st.none() | TEXTS,
    st.tuples(VIEWS, VIEWS, VIEWS, VIEWS),
    st.none() | st.just("\n"),
    st.sampled_from(["all", "reply"]),
)
MESSAGES = st.builds(hog.user, TEXTS) | st.builds(hog.assistant, GENS)
PARTS = st.lists(TEXTS | GENS | MESSAGES | FORKS | CONCURRENTS, max_size=6)


@hog.program
def random_program(s: hog.Scope, parts: list[Part]) -> None:
    for part in parts:
        match part:
            case Fork():
                fork(s, part)
            case Concurrent():
                concurrent(s, part)
            case _:
                s += part


def fork(s: hog.Scope, part: Fork) -> None:
    with s.fork(*part.names, layout=part.layout, keep=part.keep, max_seconds=part.seconds) as team:
        for worker in team:
            worker += part.text + hog.gen("work", max_tokens=5)
        team.until(hog.all_workers(hog.regex("never")))


def concurrent(s: hog.Scope, part: Concurrent) -> None:
    with s.concurrent(keep=part.keep) as now:
        streams = [now.think(f"t{i}", part.prompt, max_tokens=6) for i in range(part.thoughts)]
        streams.append(now.say("reply", part.prompt))
        for stream in streams:
            with stream as writing:
                writing += hog.gen("said")
        for me, view in zip(streams, part.views, strict=False):
            if view is not None:
                me.sees(*items(streams, me, view))
        streams[-1].waits_for(streams[0].ask("ready?", every=2), each=part.each)


def items(streams: list, me: object, view: tuple[int | str, ...]) -> list:
    """The items of a view, without the stream itself and without repeats."""
    found: list = []
    for item in view:
        seen = item if isinstance(item, str) else streams[item % len(streams)]
        if isinstance(seen, str) or (seen is not me and all(seen is not f for f in found)):
            found.append(seen)
    return found


def check_sound(regions: tuple[Region, ...]) -> None:
    visible: set[str] = set()
    for region in regions:
        declared = [block.name for block in region.blocks]
        assert len(set(declared)) == len(declared)
        assert visible.isdisjoint(declared)
        there = visible | set(declared)
        for block in region.blocks:
            if isinstance(block, TextBlock):
                assert set(block.after) <= there - {block.name}
                assert block.pieces
        for stream in region.streams:
            assert set(stream.view) <= there
            assert len(set(stream.view)) == len(stream.view)
            texts = {b.name: b for b in region.blocks if isinstance(b, TextBlock)}
            for i, name in enumerate(stream.view):
                if name in texts:
                    assert texts[name].after == stream.view[:i]
        own = [stream.view[-1] for stream in region.streams]
        assert len(set(own)) == len(own)
        assert set(region.keep) <= set(declared)
        visible |= set(region.keep)


@given(PARTS)
@settings(max_examples=60)
def test_a_plan_survives_json_and_is_sound(parts: list[Part]):
    compiled = random_program.compile(parts)
    assert Plan.model_validate_json(compiled.model_dump_json()) == compiled
    check_sound(compiled.regions)
    names = [region.name for region in compiled.regions]
    assert len(set(names)) == len(names)
    assert random_program.explain(parts).count("\nregion ") == len(names)


@given(PARTS)
@settings(max_examples=40)
def test_what_runs_is_what_was_compiled(parts: list[Part]):
    runtime = ScriptRuntime(dict.fromkeys(["main", "reply", "t0", "t1", "t2", *"abcde"], MANY), {})
    run = random_program.on(runtime).run(parts)
    regions = random_program.compile(parts).regions
    assert [e.region for e in run.events if e.kind == "joined"] == [r.name for r in regions]
    if regions:
        assert tuple(runtime.sessions[0].regions) == regions
        assert runtime.sessions[0].closed
