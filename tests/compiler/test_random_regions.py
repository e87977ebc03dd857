"""Random regions that keep the rules: they pass all checks, and their plans are sound."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from hogdsl import plan
from hogdsl.compiler.check import check
from hogdsl.compiler.explain import explain
from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import (
    ConditionIR,
    HoldIR,
    InsertIR,
    Item,
    NestedIR,
    RegionIR,
    SeesStream,
    StreamIR,
    StreamRole,
    WatchIR,
)
from hogdsl.compiler.lower import lower
from hogdsl.compiler.nodes import Node
from hogdsl.compiler.read import read_plan
from tests.compiler.build import (
    ask,
    close,
    commit,
    detached,
    ended,
    gen,
    history,
    hold,
    insert,
    listen,
    matches,
    nested,
    region,
    scope,
    sees,
    select,
    stream,
    text,
    turn,
    until_,
    wait,
    watch,
    worker,
)

TEXTS = st.builds(text, st.text(alphabet="ab {}\n", max_size=3))
FIXED = TEXTS | st.builds(turn, st.sampled_from(["user", "assistant"])) | st.builds(close)
NODES: st.SearchStrategy[Node] = (
    FIXED
    | st.builds(gen, st.none(), max_tokens=st.integers(1, 9))
    | st.builds(gen, st.none(), max_tokens=st.just(3), stop_tokens=st.just(("<end>", 2)))
    | st.builds(select, st.none(), st.just("yes"), st.just("no"))
)
NAMES = ("a", "b", "c")
SPEAKING: st.SearchStrategy[StreamRole] = st.sampled_from(["think", "say"])
POLICIES: st.SearchStrategy[plan.BargeIn] = st.sampled_from(["ignore", "pause", "restart", "stop"])
N_FORKS = st.sampled_from([0, 0, 1, 2])


@st.composite
def conditions(draw: DrawFn, names: tuple[str, ...]) -> ConditionIR:
    some = tuple(draw(st.lists(st.sampled_from(names), min_size=1, unique=True)))
    n = draw(st.none() | st.integers(1, len(some)))
    if draw(st.booleans()):
        return ended(*some, n=n)
    return matches(
        *some, regex=draw(st.sampled_from(["x", "(y)+"])), n=n, agree=draw(st.booleans())
    )


@st.composite
def inserts(draw: DrawFn, names: tuple[str, ...], name: str) -> InsertIR:
    into = draw(st.sampled_from(("each", "random", *names)))
    return insert(into, at_text=draw(st.none() | st.just(".")), name=name)


@st.composite
def workers(draw: DrawFn, room: str, path: str, depth: int) -> tuple[StreamIR, ...]:
    """Workers of a region or a fork, with forks of their own down to a depth."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    steps = commit(f"{room}/history") if draw(st.booleans()) else None
    found: list[StreamIR] = []
    for name in names:
        writes: list[Node | NestedIR] = [*draw(st.lists(FIXED, max_size=2))]
        for i in range(draw(N_FORKS) if depth else 0):
            writes.append(draw(forks(f"{path}{name}.{i}", depth - 1)))
            writes += draw(st.lists(NODES, max_size=2))
        writes.insert(draw(st.integers(0, len(writes))), gen(max_tokens=4))
        found.append(
            worker(
                name,
                *writes,
                commit=steps,
                views=draw(layouts(room, name, tuple(names), steps is not None)),
                sees_scope=False,
                max_tokens=draw(st.none() | st.integers(1, 99)),
            )
        )
    return tuple(found)


@st.composite
def layouts(
    draw: DrawFn, room: str, me: str, names: tuple[str, ...], has_steps: bool
) -> tuple[Item, ...]:
    """A view in any order: the scope, the history, some of the others, and texts, one of which may
    be detached, and is the same for all workers of a room."""
    others = [sees(name, region=room) for name in names if name != me and draw(st.booleans())]
    items: list[Item] = [scope(), *others, *draw(st.lists(FIXED, max_size=2))]
    if has_steps:
        items.append(history(f"{room}/history"))
    if draw(st.booleans()):
        items.append(detached(room, turn("user"), detached("inner"), text("context")))
    return tuple(draw(st.permutations(items)))


@st.composite
def forks(draw: DrawFn, name: str, depth: int) -> NestedIR:
    inner = draw(workers(name, f"{name}/", depth))
    # the forks of a worker share the names of their workers, so each fork has its own
    number = name[-1]
    streams = tuple(renamed(s, number, name) for s in inner)
    names = tuple(s.name for s in streams)
    return nested(
        name,
        *streams,
        until=tuple(map(until_, draw(st.lists(conditions(names), max_size=1)))),
        inserts=tuple(draw(st.lists(inserts(names, f"{name}.insert"), max_size=1))),
        keep=draw(st.none() | st.just(names[:1]) | st.just(())),
        max_seconds=draw(st.none() | st.just(3.0)),
    )


def renamed(worker_: StreamIR, number: str, room: str) -> StreamIR:
    items = tuple(
        replace(item, stream=f"{item.stream}{number}")
        if isinstance(item, SeesStream) and item.region == room
        else item
        for item in worker_.sees or ()
    )
    return replace(worker_, name=f"{worker_.name}{number}", sees=items)


@st.composite
def teams(draw: DrawFn) -> RegionIR:
    streams = draw(workers("r", "r.", 2))
    names = tuple(s.name for s in streams)
    return region(
        *streams,
        scope=draw(st.just(()) | st.just(("s0", "s1"))),
        untils=tuple(map(until_, draw(st.lists(conditions(names), max_size=2)))),
        inserts=tuple(draw(st.lists(inserts(names, "insert0"), max_size=1))),
        watches=tuple(draw(st.lists(watches(names), max_size=1))),
        holds=draw(holds(names)),
        keep=draw(st.none() | st.just(names[:1]) | st.just(())),
    )


@st.composite
def watches(draw: DrawFn, names: tuple[str, ...]) -> WatchIR:
    if draw(st.booleans()):
        return watch(every=draw(st.integers(1, 9)))
    return watch(draw(st.sampled_from(names)), regex="x+")


@st.composite
def holds(draw: DrawFn, names: tuple[str, ...]) -> tuple[HoldIR, ...]:
    """Holds on streams that were declared earlier, so that there is no circle."""
    found: list[HoldIR] = []
    for i, name in enumerate(names):
        if i and draw(st.booleans()):
            until = draw(conditions(names[:i]))
            found.append(hold(name, until, draw(st.none() | st.just("\n"))))
    return tuple(found)


@st.composite
def talks(draw: DrawFn) -> RegionIR:
    """Streams that listen, think and speak."""
    roles: list[StreamRole] = draw(st.lists(SPEAKING, min_size=1, max_size=3))
    names = tuple(f"{role}{i}" for i, role in enumerate(roles))
    inputs = [
        listen(f"in{i}", barge_in=draw(POLICIES) if "say0" in names else "ignore")
        for i in range(draw(st.integers(0, 2)))
    ]
    streams: list[StreamIR] = []
    for name, role in zip(names, roles, strict=True):
        others = [other for other in (*names, *(s.name for s in inputs)) if other != name]
        some = draw(
            st.none() | st.lists(st.sampled_from(others), unique=True) if others else st.none()
        )
        views: tuple[Item, ...] | None = None
        if some is not None:
            views = tuple(
                draw(st.permutations([*map(sees, some), *draw(st.lists(FIXED, max_size=2))]))
            )
        writes = (gen(max_tokens=4), *draw(st.lists(NODES, max_size=2)))
        prompt = tuple(draw(st.lists(FIXED, max_size=3)))
        streams.append(stream(name, *writes, role=role, views=views, prompt=prompt))
    pacing = [wait(names[i], ask(names[0])) for i in range(1, len(names)) if draw(st.booleans())]
    closing = [until_(ended(s.name)) for s in inputs if draw(st.booleans())]
    return region(
        *inputs,
        *streams,
        asks=tuple({w.ask.name: w.ask for w in pacing}.values()),
        waits=tuple(pacing),
        holds=draw(holds(names)) if not pacing else (),
        untils=tuple(closing),
    )


REGIONS = teams() | talks()


def check_sound(whole: plan.Region, scope_: tuple[str, ...]) -> None:
    declared = [block.name for block in whole.blocks]
    assert len(set(declared)) == len(declared)
    there = {*declared, *scope_}
    known = {b.name for b in whole.blocks if not isinstance(b, plan.TextBlock)} | {*scope_}
    texts: dict[str, plan.TextBlock] = {}
    for block in whole.blocks:
        if isinstance(block, plan.TextBlock):
            assert block.pieces
            assert set(block.after) <= known
            known.add(block.name)
            texts[block.name] = block
    detached_ = [b for b in whole.blocks if isinstance(b, plan.DetachedBlock)]
    assert all(set(block.after) <= known for block in detached_)
    assert len({(block.text, block.after) for block in detached_}) == len(detached_)
    begun: set[str] = set()
    for s in whole.streams:
        assert set(s.view) <= there
        assert len(set(s.view)) == len(s.view)
        assert all(texts[n].after == s.view[:i] for i, n in enumerate(s.view) if n in texts)
        assert set(s.after) <= begun
        assert s.parent is None or s.parent in s.after
        assert (s.input is not None) == (s.role == "listen")
        assert s.commit is None or s.commit.into in s.view
        begun.add(s.name)
    own = [s.view[-1] for s in whole.streams]
    assert len(set(own)) == len(own)
    assert set(own) <= set(declared)
    assert set(whole.keep) <= set(declared)
    check_rules_sound(whole, begun)


def check_rules_sound(whole: plan.Region, streams: set[str]) -> None:
    conditions_ = [u.condition for u in whole.until] + [h.until for h in whole.holds]
    for condition in conditions_:
        named = [n for s in condition.streams for n in ((s,) if isinstance(s, str) else s)]
        assert set(named) <= streams
        assert len(set(named)) == len(named)
        assert condition.n <= len(condition.streams)
    for rule in (*whole.inserts, *whole.watches):
        assert set(rule.streams) <= streams
    for until in whole.until:
        assert set(until.ends) <= streams
    assert {h.stream for h in whole.holds} <= streams


@given(REGIONS)
@settings(max_examples=50)
def test_a_region_that_keeps_the_rules_becomes_a_sound_plan_that_survives_json(whole: RegionIR):
    check(whole, {})
    lowered = lower(whole)
    check_sound(lowered, whole.scope)
    wrapped = plan.Plan(program="p", regions=(lowered,))
    assert read_plan(wrapped.model_dump_json()) == wrapped
    assert explain(wrapped).startswith("program p\n")


@given(teams())
@settings(max_examples=12)
def test_flattening_twice_changes_nothing(whole: RegionIR):
    once = flatten(whole)
    assert flatten(once) == once
    assert lower(once) == lower(whole)
