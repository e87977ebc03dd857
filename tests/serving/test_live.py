"""What happens while a model writes: input, interruptions, watches, nested teams, grammars."""

import json
import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from hogdsl.commands import CloseInput, Command, Delivered, Hear, Release, Write
from hogdsl.events import (
    Event,
    Heard,
    Inserted,
    Interrupted,
    Joined,
    Noticed,
    StreamEnded,
    Token,
    Value,
)
from hogdsl.plan import (
    BargeIn,
    ChoicesConstraint,
    Ended,
    Gen,
    Hold,
    Input,
    JsonConstraint,
    Piece,
    RegexConstraint,
    Region,
    Sampling,
    Stream,
    StreamBlock,
    TextBlock,
    Turn,
    Watch,
)
from runtime.embedded import EmbeddedRuntime, start

PROBLEM = "a:17+25 b:38+41 c:9+66 d:52+13"
PROMPT = TextBlock(name="prompt", pieces=(Turn(role="user", prefix=PROBLEM),))
OPENED = Turn(role="assistant")


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


def stream(name: str, *pieces: Piece, sees: tuple[str, ...] = (), **settings: object) -> Stream:
    """A stream that sees the prompt, other blocks, and itself."""
    role = "listen" if "input" in settings else "worker"
    fields = {"name": name, "role": role, "view": ("prompt", *sees, name), "pieces": pieces}
    return Stream.model_validate(fields | settings)


def region(*streams: Stream, **rules: object) -> Region:
    blocks = (PROMPT, *(StreamBlock(name=s.name) for s in streams))
    return Region.model_validate({"name": "r", "blocks": blocks, "streams": streams, **rules})


def play(
    runtime: EmbeddedRuntime,
    region: Region,
    *commands: Command,
    react: Callable[[Event], Sequence[Command]] = lambda event: (),
) -> list[Event]:
    """All events of a run of one region that is told `commands` at its start, and then whatever
    `react` makes of its events."""
    session = runtime.open()
    events: list[Event] = []
    for event in session.run(region, commands):
        events.append(event)
        for command in react(event):
            session.send(command)
    session.close()
    assert isinstance(events[-1], Joined), events[-1]
    return events


def ends(events: list[Event]) -> dict[str, StreamEnded]:
    return {event.stream: event for event in events if isinstance(event, StreamEnded)}


def value(events: list[Event]) -> Value:
    (found,) = (event for event in events if isinstance(event, Value))
    return found


# ---------------------------------------------------------------- listening


def test_input_lands_while_others_write(runtime: EmbeddedRuntime) -> None:
    hears = (
        Hear(stream="mic", text="e:1+2 ", at_step=3),
        Hear(stream="mic", text="f:3+4", at_step=6),
        CloseInput(stream="mic", at_step=8),
    )
    mic = stream("mic", input=Input())
    think = stream("think", OPENED, Gen(max_tokens=20), sees=("mic",))
    events = play(runtime, region(mic, think), *hears)
    assert [(e.step, e.text) for e in events if isinstance(e, Heard)] == [
        (3, "e:1+2 "),
        (6, "f:3+4"),
    ]
    assert ends(events)["mic"].text == "e:1+2 f:3+4"
    assert ends(events)["mic"].reason == "closed"
    steps = [e.step for e in events if isinstance(e, Token)]
    assert {4, 7} <= set(steps), "the thinker writes in the steps in which input is encoded"


def test_what_was_heard_is_what_is_answered(runtime: EmbeddedRuntime) -> None:
    opened = TextBlock(name="prompt", pieces=(Turn(role="user"),))
    mic = stream("mic", input=Input())
    think = stream("think", OPENED, Gen(max_tokens=40), sees=("mic",))
    listening = region(mic, think, holds=(Hold(stream="think", until=Ended(streams=("mic",))),))
    listening = listening.model_copy(update={"blocks": (opened, *listening.blocks[1:])})
    events = play(
        runtime,
        listening,
        Hear(stream="mic", text="a:60+2", final=False),
        Hear(stream="mic", text="1 b:30+3"),
        CloseInput(stream="mic"),
    )
    assert value(events).value.strip() == "a:60+21=81\nb:30+3=33"


def break_in(runtime: EmbeddedRuntime, policy: BargeIn) -> list[Event]:
    """A run in which somebody speaks when 12 tokens were said, of which 4 characters were heard.

    The speaker does not see what is said; so that nothing runs ahead of the one who breaks in, it
    is held at its 12th token until that was heard.
    """
    mic = stream("mic", input=Input(barge_in=policy, interrupts=("say",)))
    say = stream("say", OPENED, Gen(max_tokens=60), reports_delivery=True)
    watch = Watch(name="w", streams=("say",), regex=r"\nb:", hold="region")

    def react(event: Event) -> Sequence[Command]:
        if not isinstance(event, Noticed):
            return ()
        return (
            Delivered(stream="say", n_chars=4),
            Hear(stream="mic", text=" e:1+2"),
            CloseInput(stream="mic"),
            Release(watch="w", n=event.n),
        )

    return play(runtime, region(mic, say, watches=(watch,)), react=react)


@pytest.mark.parametrize("policy", ["restart", "stop"])
def test_what_was_not_delivered_is_taken_back(runtime: EmbeddedRuntime, policy: BargeIn) -> None:
    events = break_in(runtime, policy)
    (broken, *_) = (e for e in events if isinstance(e, Interrupted))
    written = "".join(
        e.text
        for e in events[: broken.seq]
        if isinstance(e, Token | Inserted) and e.stream == "say"
    )
    assert len(written) > len(broken.text)
    assert written.startswith(broken.text)
    assert ends(events)["say"].text.startswith(broken.text)
    assert ends(events)["say"].reason == ("interrupted" if policy == "stop" else "finished")


def test_after_a_restart_the_model_writes_what_it_would_have_written_behind_that_text(
    runtime: EmbeddedRuntime,
) -> None:
    """The cache is as if what was taken back had never been written: the greedy text of a speaker
    who sees nothing else comes out once more."""
    alone = play(runtime, region(stream("say", OPENED, Gen(max_tokens=60))))
    assert ends(break_in(runtime, "restart"))["say"].text == ends(alone)["say"].text


# ---------------------------------------------------------------- watches, nested teams, stops


def test_a_watch_holds_its_stream_until_it_is_released(runtime: EmbeddedRuntime) -> None:
    work = stream("work", OPENED, Gen(max_tokens=40))
    watch = Watch(name="w", streams=("work",), regex=r"=\d+")

    def react(event: Event) -> Sequence[Command]:
        if not isinstance(event, Noticed):
            return ()
        note = Write(stream="work", text=f"[{event.text[event.start : event.end]}]")
        return note, Release(watch="w", n=event.n)

    events = play(runtime, region(work, watches=(watch,)), react=react)
    notices = [e for e in events if isinstance(e, Noticed)]
    written = [e for e in events if isinstance(e, Inserted) and e.text.startswith("[")]
    assert [f"[{n.text[n.start : n.end]}]" for n in notices] == [e.text for e in written]
    assert notices
    for notice, text in zip(notices, written, strict=True):
        between = [e for e in events[notice.seq : text.seq] if isinstance(e, Token)]
        assert not between


def test_a_nested_team_runs_when_its_worker_has_come_to_it(runtime: EmbeddedRuntime) -> None:
    lead = stream("lead", OPENED, Gen(max_tokens=5))
    subs = (
        stream(f"lead/{name}", Gen(max_tokens=6), sees=("lead",), after=("lead",), parent="lead")
        for name in ("x", "y")
    )
    rest = stream(
        "lead#2",
        Gen(max_tokens=5),
        sees=("lead", "lead/x", "lead/y"),
        after=("lead", "lead/x", "lead/y"),
        parent="lead",
        continues=True,
    )
    events = play(runtime, region(lead, *subs, rest))
    first = {name: min(token_steps(events, name)) for name in ends(events)}
    last = {name: max(token_steps(events, name)) for name in ends(events)}
    assert first["lead/x"] == first["lead/y"] > last["lead"]
    assert first["lead#2"] > max(last["lead/x"], last["lead/y"])


def token_steps(events: list[Event], name: str) -> list[int]:
    return [e.step for e in events if isinstance(e, Token) and e.stream == name]


def test_a_stop_regex_leaves_nothing_of_what_it_matched(runtime: EmbeddedRuntime) -> None:
    whole = value(play(runtime, region(stream("w", OPENED, Gen(max_tokens=60))))).value
    cut = play(runtime, region(stream("w", OPENED, Gen(max_tokens=60, stop_regex=(r"\nc:\d\+",)))))
    assert value(cut).reason == "stop"
    assert value(cut).value == re.split(r"\nc:\d\+", whole)[0]


def test_a_stop_token_ends_a_gen_as_the_end_token_does(runtime: EmbeddedRuntime) -> None:
    whole = value(play(runtime, region(stream("w", OPENED, Gen(max_tokens=60))))).value
    cut = play(runtime, region(stream("w", OPENED, Gen(max_tokens=60, stop_tokens=("=",)))))
    assert value(cut).value == whole.split("=")[0]


def test_a_forbidden_token_is_not_written(runtime: EmbeddedRuntime) -> None:
    sampling = Sampling(forbidden=("=",))
    gen = Gen(max_tokens=30, sampling=sampling)
    assert "=" not in value(play(runtime, region(stream("w", OPENED, gen)))).value


# ---------------------------------------------------------------- grammars

SCHEMA = {
    "type": "object",
    "properties": {
        "sum": {"type": "integer", "minimum": 0, "maximum": 99},
        "who": {"enum": ["Alice", "Bob"]},
        "steps": {"type": "array", "items": {"enum": [1, 20]}, "maxItems": 2},
    },
    "required": ["sum", "who", "steps"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("temperature", [0.0, 1.0, 3.0])
def test_json_of_a_schema_parses_whatever_the_model_thinks(
    runtime: EmbeddedRuntime, temperature: float
) -> None:
    gen = Gen(
        max_tokens=200,
        sampling=Sampling(temperature=temperature, top_p=0.9),
        constraint=JsonConstraint(document=json.dumps(SCHEMA)),
    )
    found = value(play(runtime, region(stream("w", OPENED, gen))))
    document = json.loads(found.value)
    assert found.reason == "complete"
    assert set(document) == {"sum", "who", "steps"}
    assert 0 <= document["sum"] <= 99
    assert found.value == json.dumps(document, separators=(",", ":"))


def test_a_regex_shapes_what_is_written(runtime: EmbeddedRuntime) -> None:
    gen = Gen(max_tokens=40, constraint=RegexConstraint(regex=r"(\d{2}, ){3}end"))
    found = value(play(runtime, region(stream("w", OPENED, gen))))
    assert re.fullmatch(r"(\d{2}, ){3}end", found.value)


def test_choices_are_written_token_by_token(runtime: EmbeddedRuntime) -> None:
    choices = ("alpha beta", "alpha gamma", "delta")
    gen = Gen(max_tokens=40, constraint=ChoicesConstraint(choices=choices))
    events = play(runtime, region(stream("w", OPENED, gen)))
    assert value(events).value in choices
    assert value(events).reason == "complete"
    assert len(token_steps(events, "w")) > 1


def test_a_budget_may_cut_a_constrained_text_short(runtime: EmbeddedRuntime) -> None:
    gen = Gen(max_tokens=3, constraint=RegexConstraint(regex=r"\d{9}"))
    found = value(play(runtime, region(stream("w", OPENED, gen))))
    assert (len(found.value), found.reason) == (3, "max_tokens")
