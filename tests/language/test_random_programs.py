"""Random programs that keep the rules: their plans survive JSON, are sound, and run to the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

import hogdsl as hog
from hogdsl.language.layouts import Layout
from hogdsl.plan import Plan, Region, TextBlock
from hogdsl.testing import script

TEXTS = st.text(alphabet="ab {}\n\\é", max_size=6)
MANY = ("some words\nto write ",) * 400


def in_turns(
    me: hog.Worker, others: tuple[hog.Worker, ...], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    return [shared, "Others: ", *others, hog.turn("assistant"), me]


def alone(
    me: hog.Worker, others: tuple[hog.Worker, ...], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    return others[:1]


def by_steps(
    me: hog.Worker, others: tuple[hog.Worker, ...], shared: hog.Shared
) -> Sequence[hog.ViewItem]:
    return [shared.history, shared, *others]


LAYOUTS = st.sampled_from(
    [
        hog.layouts.contiguous(),
        hog.layouts.isolated(header="{name}: "),
        hog.layouts.interleaved(step="\n"),
        hog.layouts.combined(step="\n"),
        hog.layouts.custom(in_turns),
        hog.layouts.custom(alone, header="{name}: "),
        hog.layouts.custom(by_steps, step="\n", header="{name} {step}: "),
    ]
)


@dataclass(frozen=True)
class Insert:
    text: str
    every: int
    into: int | Literal["each", "random"]
    """A number is a worker, counted round."""
    at: str | None


@dataclass(frozen=True)
class Fork:
    names: tuple[str, ...]
    layout: Layout
    text: str
    keep: str | tuple[str, ...]
    seconds: float | None
    inserts: tuple[Insert, ...]
    nested: "Fork | None"
    """Forked from the first worker."""
    holds: bool
    """The last worker waits until the first has ended."""


@dataclass(frozen=True)
class Heard:
    texts: tuple[str, ...]
    closed: bool
    ends_region: bool
    barge_in: Literal["ignore", "pause", "restart", "stop"]


@dataclass(frozen=True)
class Concurrent:
    thoughts: int
    prompt: str | hog.Piece | None
    views: tuple[tuple[int | str, ...] | None, ...]
    """For each thought and for the reply, last; a number is a stream, counted round."""
    each: str | None
    keep: str
    heard: Heard | None
    total: int | None


Part = str | hog.Piece | Fork | Concurrent

STOPS = st.sampled_from(["\n", "}", ("a", "b"), hog.regex(r"to\b"), ["x", hog.regex("[.!]")]])
GENS = st.builds(
    hog.gen,
    st.none(),
    max_tokens=st.none() | st.integers(1, 9),
    stop=st.none() | STOPS,
    temperature=st.sampled_from([0.0, 0.7]),
    top_k=st.none() | st.integers(1, 50),
)
HELD_GENS = st.sampled_from(
    [
        hog.gen(regex=r"\d+", max_tokens=4),
        hog.gen(choices=["yes", "no"]),
        hog.gen(schema=dict[str, int], max_tokens=9, stop=hog.token("<end>")),
        hog.gen(max_tokens=3, forbid=["<think>", 7]),
    ]
)
INSERTS = st.builds(
    Insert,
    TEXTS.filter(bool),
    st.integers(1, 6),
    st.integers(0, 3) | st.sampled_from(["each", "random"]),
    st.none() | st.just("\n"),
)
NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True).map(tuple)


def forks(nested: st.SearchStrategy[Fork | None]) -> st.SearchStrategy[Fork]:
    return st.builds(
        Fork,
        NAMES,
        LAYOUTS,
        TEXTS,
        st.sampled_from(["all", ()]),
        st.none() | st.floats(0.5, 100),
        st.lists(INSERTS, max_size=2).map(tuple),
        nested,
        st.booleans(),
    )


FORKS = forks(st.none() | forks(st.none() | forks(st.none())))
VIEWS = st.none() | st.lists(st.integers(0, 3) | TEXTS, max_size=4).map(tuple)
HEARD = st.builds(
    Heard,
    st.lists(TEXTS.filter(bool), max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["ignore", "pause", "restart", "stop"]),
)
PROMPTS = TEXTS | TEXTS.map(lambda text: "Read: " + hog.detached("prompt: " + text) + "!")
CONCURRENTS = st.builds(
    Concurrent,
    st.integers(1, 3),
    st.none() | PROMPTS,
    st.tuples(VIEWS, VIEWS, VIEWS, VIEWS),
    st.none() | st.just("\n"),
    st.sampled_from(["all", "reply"]),
    st.none() | HEARD,
    st.none() | st.integers(1, 20),
)
MESSAGES = st.builds(hog.user, TEXTS) | st.builds(hog.assistant, GENS)
READINGS = st.builds(lambda text: hog.user("Read: " + hog.detached(text)), TEXTS)
RUNNABLE = TEXTS | GENS | MESSAGES | READINGS | FORKS | CONCURRENTS


@hog.program
def random_program(s: hog.Scope, parts: list[Part]) -> None:
    for part in parts:
        match part:
            case Fork():
                layout, keep, seconds = part.layout, part.keep, part.seconds
                with s.fork(*part.names, layout=layout, keep=keep, max_seconds=seconds) as team:
                    fork(team, part)
            case Concurrent():
                concurrent(s, part)
            case _:
                s += part


def fork(team: hog.Team, part: Fork) -> None:
    workers = list(team)
    for worker in workers:
        worker += part.text + hog.gen("work", max_tokens=5)
    for insert in part.inserts:
        into = workers[insert.into % len(workers)] if isinstance(insert.into, int) else insert.into
        team.every(insert.every, insert=insert.text, into=into, at=insert.at)
    if part.nested is not None:
        inner = part.nested
        layout, keep, seconds = inner.layout, inner.keep, inner.seconds
        with workers[0].fork(
            *inner.names, layout=layout, keep=keep, max_seconds=seconds
        ) as nested_team:
            fork(nested_team, inner)
        workers[0].gen(name="rest", max_tokens=2)
    if part.holds and len(workers) > 1:
        workers[-1].pauses(until=hog.ended(workers[0].path))
    team.until(hog.all_workers(hog.regex("never")))


def concurrent(s: hog.Scope, part: Concurrent) -> None:
    heard = part.heard
    ends = heard is not None and heard.ends_region
    until = hog.closed("mic") if ends else None
    with s.concurrent(until=until, keep=part.keep, max_total_tokens=part.total) as now:
        if heard is not None:
            now.listen("mic", channel(heard), barge_in=heard.barge_in)
        streams = [now.think(f"t{i}", part.prompt, max_tokens=6) for i in range(part.thoughts)]
        streams.append(now.say("reply", part.prompt))
        for stream in streams:
            with stream as writing:
                writing += hog.gen("said")
        for me, view in zip(streams, part.views, strict=False):
            if view is not None:
                me.sees(*items(streams, me, view))
        streams[-1].waits_for(streams[0].ask("ready?", every=2), each=part.each)
        streams[0].on("some", hold=False)(lambda live, match: None)


def channel(heard: Heard) -> hog.Channel:
    """A channel that was filled, and closed, before it is listened to."""
    mic = hog.Channel()
    for text in heard.texts:
        mic.send(text)
    if heard.closed or heard.ends_region:
        mic.close()
    return mic


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
        texts = {block.name: block for block in region.blocks if isinstance(block, TextBlock)}
        for block in texts.values():
            assert set(block.after) <= there - {block.name}
            assert block.pieces
        names = {stream.name for stream in region.streams}
        for stream in region.streams:
            assert set(stream.view) <= there
            assert len(set(stream.view)) == len(stream.view)
            for i, name in enumerate(stream.view):
                if name in texts:
                    assert texts[name].after == stream.view[:i]
            assert set(stream.after) <= names
            assert stream.parent is None or stream.parent in stream.after
            if stream.commit is not None:
                assert stream.commit.into in there
        own = [stream.view[-1] for stream in region.streams]
        assert len(set(own)) == len(own)
        assert set(region.keep) <= set(declared)
        visible |= set(region.keep)


@given(st.lists(RUNNABLE | HELD_GENS, max_size=6))
@settings(max_examples=60)
def test_a_plan_survives_json_and_is_sound(parts: list[Part]):
    compiled = random_program.compile(parts)
    assert Plan.model_validate_json(compiled.model_dump_json()) == compiled
    check_sound(compiled.regions)
    names = [region.name for region in compiled.regions]
    assert len(set(names)) == len(names)
    assert random_program.explain(parts).count("\nregion ") == len(names)


@given(st.lists(RUNNABLE, max_size=5))
@settings(max_examples=40)
def test_what_runs_is_what_was_compiled(parts: list[Part]):
    regions = random_program.compile(parts).regions
    streams = {stream.name for region in regions for stream in region.streams}
    runtime = script(dict.fromkeys(streams, MANY))
    run = random_program.on(runtime).run(parts)
    assert [e.region for e in run.events if e.kind == "joined"] == [r.name for r in regions]
    ended = [e.stream for e in run.events if e.kind == "stream_ended"]
    assert sorted(ended) == sorted(s.name for region in regions for s in region.streams)
    if regions:
        assert tuple(runtime.sessions[0].regions) == regions
        assert runtime.sessions[0].closed
        assert runtime.sessions[0].n_blocks == 0
