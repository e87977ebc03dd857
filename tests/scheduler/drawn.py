"""Regions and commands drawn at random, and a model that goes with all of them."""

from hashlib import blake2b

from hypothesis import strategies as st

from hogdsl.commands import CloseInput, Delivered, Hear, Pause, Release, Resume, Stop, Write
from hogdsl.plan import (
    Ask,
    ChoicesConstraint,
    Commit,
    Condition,
    Ended,
    Gen,
    HistoryBlock,
    Hold,
    Input,
    Matches,
    Region,
    Select,
    Stream,
    StreamBlock,
    Text,
    TextBlock,
    Turn,
    Until,
    Wait,
    Watch,
)
from tests.scheduler.world import HALF

NAMES = ("A", "B", "C")
MODEL = f"ab.\n12=!{HALF}abab"
texts = st.text(alphabet="ab.\n", min_size=1, max_size=4)
names = st.sampled_from(NAMES)
maybe_count = st.none() | st.integers(1, 9)
gens = st.builds(
    Gen,
    max_tokens=maybe_count,
    stop=st.lists(texts, max_size=2).map(tuple),
    stop_regex=st.lists(st.sampled_from([r"\d=", r"b+\.", "a(?!b)"]), max_size=1).map(tuple),
    stop_tokens=st.sampled_from([(), ("!",)]),
    constraint=st.none() | st.just(ChoicesConstraint(choices=("ab", "abba", "b."))),
)
pieces = st.lists(
    st.builds(Text, text=texts)
    | st.builds(Turn, role=st.sampled_from(["user", "assistant"]), prefix=texts)
    | gens
    | st.builds(Select, choices=st.sampled_from([("a", "b"), ("ab", "b1", "=")])),
    max_size=4,
).map(tuple)
patterns = st.sampled_from([r"a(b+)", r"\d=", "!", r"\."])


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    streams = tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))
    n = draw(st.integers(1, len(streams)))
    if draw(st.booleans()):
        return Ended(streams=streams, n=n)
    return Matches(streams=streams, n=n, regex=draw(patterns), agree=draw(st.booleans()))


@st.composite
def streams(draw: st.DrawFn) -> tuple[Stream, ...]:
    made: list[Stream] = []
    for i, name in enumerate(NAMES):
        others = [other for other in NAMES if other != name]
        sees = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
        after = draw(st.lists(st.sampled_from(NAMES[:i]), max_size=1)) if i else []
        commits = draw(st.integers(0, 3)) == 0
        made.append(
            Stream(
                name=name,
                role="worker",
                view=("p", *(["h"] if commits else []), *sees, name),
                pieces=draw(pieces),
                max_tokens=draw(maybe_count),
                commit=Commit(into="h", step=".", header="{name}{step}:") if commits else None,
                reports_delivery=draw(st.booleans()),
                after=tuple(after),
                parent=after[0] if after and draw(st.booleans()) else None,
            )
        )
    return tuple(made)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    made = draw(streams())
    policy = draw(st.sampled_from(["ignore", "pause", "restart", "stop"]))
    backed = policy in ("restart", "stop")
    speakers = tuple(s.name for s in made if not (backed and s.commit))
    background = draw(st.booleans())
    mic = Input.model_validate(
        {"background": background, "barge_in": policy, "interrupts": speakers}
    )
    listens = Stream(name="mic", role="listen", view=("mic",), pieces=(), input=mic)
    rules = st.fixed_dictionaries(
        {
            "asks": st.just((Ask(name="q", stream="A", question="a=", at="."),)),
            "waits": st.sampled_from([(), (Wait(stream="B", ask="q"),)]),
            "until": st.lists(st.builds(Until, condition=conditions()), max_size=1),
            "holds": st.lists(
                st.builds(Hold, stream=names, until=conditions(), at=st.none() | texts), max_size=2
            ),
            "inserts": st.sampled_from(["each", "random"]).map(
                lambda into: [
                    {"name": "i", "streams": NAMES, "text": "#", "every": 3, "into": into}
                ]
            ),
            "watches": st.lists(
                st.builds(
                    Watch,
                    name=st.just("w"),
                    streams=st.just(("A", "B")),
                    regex=patterns,
                    hold=st.sampled_from(["nothing", "stream", "region"]),
                ),
                max_size=1,
            ),
            "keep": st.sampled_from([(), ("h", *NAMES, "mic")]),
        }
    )
    blocks = (
        TextBlock(name="p", pieces=(Text(text="P"),)),
        HistoryBlock(name="h"),
        *(StreamBlock(name=name) for name in (*NAMES, "mic")),
    )
    fields = {"name": "r", "blocks": blocks, "streams": (*made, listens), "max_tokens": 60}
    return Region.model_validate(fields | draw(rules))


count = st.integers(0, 12)
commands = st.one_of(
    st.builds(Hear, stream=st.just("mic"), text=texts | st.just(""), final=st.booleans()),
    st.builds(Hear, stream=st.just("mic"), text=texts, at_step=count),
    st.builds(CloseInput, stream=st.just("mic")),
    st.builds(Delivered, stream=names, n_chars=count),
    st.builds(Write, stream=names, text=texts),
    st.builds(Stop, streams=names.map(lambda name: (name,))),
    st.builds(Pause, stream=names),
    st.builds(Resume, stream=names),
    st.builds(Release, watch=st.just("w"), n=st.integers(1, 3)),
)
plays = st.lists(st.tuples(count, commands), max_size=8)


def model(whole: str) -> str | None:
    digest = blake2b(whole.encode(), digest_size=2).digest()
    return None if digest[0] < 16 else MODEL[digest[1] % len(MODEL)]
