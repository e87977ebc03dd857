"""What holds streams, and what the program is told and answers."""

from hogdsl.commands import Pause, Release, Resume, Stop, Write
from hogdsl.events import Held, Joined, Noticed, Resumed
from hogdsl.plan import Condition, Ended, Gen, Hold, Matches, Region, Text, Watch
from tests.scheduler.world import Client, World, region, stream, tape


def pair(**more: object) -> Region:
    return region(stream("A", Gen()), stream("B", Gen(), sees=("A",)), **more)


def noticed(client: Client) -> list[tuple[str | None, str]]:
    return [(e.stream, e.text[e.start : e.end]) for e in client.events if isinstance(e, Noticed)]


def hold(until: Condition, at: str | None = None) -> Hold:
    return Hold(stream="B", until=until, at=at)


# ---------------------------------------------------------------- holds


def test_a_stream_is_held_from_its_beginning_until_a_condition_holds() -> None:
    client = World(tape(A="12!4", B="567")).run()
    client.finish(pair(holds=(hold(Matches(streams=("A",), regex="!")),)))
    changes = [(e.kind, e.step) for e in client.events if isinstance(e, Held | Resumed)]
    assert changes == [("held", 0), ("resumed", 3)]
    assert client.texts["B"] == "B:567"


def test_a_stream_is_held_each_time_that_it_has_written_a_text() -> None:
    client = World(tape(A="1234567", B="5.7.9")).run()
    client.finish(pair(holds=(hold(Ended(streams=("A",)), at="."),)))
    changes = [(e.kind, e.step) for e in client.events if isinstance(e, Held | Resumed)]
    assert changes == [("held", 2), ("resumed", 8)]


def test_nobody_is_held_for_what_can_no_longer_be() -> None:
    client = World(tape(A="12", B="567")).run()
    client.finish(pair(holds=(hold(Matches(streams=("A",), regex="!")),)))
    assert client.texts["B"] == "B:567"


def test_streams_that_hold_each_other_fail_the_run() -> None:
    client = World(tape(A="12", B="567")).run()
    holds = (
        Hold(stream="A", until=Ended(streams=("B",))),
        Hold(stream="B", until=Ended(streams=("A",))),
    )
    client.finish(pair(holds=holds))
    assert client.events[-1].kind == "failed"
    assert "streams wait for ever: A, B" in client.events[-1].message


def test_the_program_holds_a_stream_while_the_others_go_on() -> None:
    client = World(tape(A="1234", B="5678")).run()
    client.start(pair())
    client.go_on(1)
    client.tell(Pause(stream="B"))
    client.go_on()
    assert client.texts == {"A": "A:1234"}
    assert client.run.is_waiting
    client.tell(Resume(stream="B"))
    client.go_on()
    assert client.texts["B"] == "B:5678"


def test_the_program_ends_a_stream_or_all() -> None:
    client = World(tape(A="1234", B="5678")).run()
    client.start(pair())
    client.go_on(2)
    client.tell(Stop(streams=("B",)))
    client.go_on(1)
    client.tell(Stop())
    client.go_on()
    assert client.reasons == {"A": "stopped", "B": "stopped"}
    assert client.texts == {"A": "A:123", "B": "B:56"}


# ---------------------------------------------------------------- watches


def calls(**more: object) -> Watch:
    fields = {"name": "w", "streams": ("A",), "regex": r"(\d)\+(\d)="}
    return Watch.model_validate(fields | more)


def test_a_match_holds_its_stream_until_the_program_has_answered() -> None:
    client = World(tape(A="1+2=;", B="567890")).run()
    client.start(pair(watches=(calls(),)))
    client.go_on()
    assert noticed(client) == [("A", "1+2=")]
    assert client.texts == {"B": "B:567890"}
    client.tell(Write(stream="A", text="3"), Release(watch="w", n=1))
    client.go_on()
    assert client.texts["A"] == "A:1+2=3;"


def test_matches_do_not_overlap_and_are_told_one_by_one() -> None:
    client = World(tape(A="1+2=3+4=5+6", B="")).run()
    client.start(pair(watches=(calls(hold="nothing"),)))
    client.go_on()
    assert noticed(client) == [("A", "1+2="), ("A", "3+4=")]
    assert [e.n for e in client.events if isinstance(e, Noticed)] == [1, 2]


def test_only_what_the_model_wrote_is_watched_across_the_borders_of_its_gens() -> None:
    client = World(tape(A="1+2=")).run()
    a = stream("A", Text(text="5+5="), Gen(max_tokens=2), Text(text="#"), Gen())
    client.start(region(a, watches=(calls(hold="nothing"),)))
    client.go_on()
    assert noticed(client) == [("A", "1+2=")]


def test_what_may_yet_be_a_stop_is_not_noticed() -> None:
    client = World(tape(A="1+2=!9+9")).run()
    a = stream("A", Gen(stop=("=!",)))
    client.start(region(a, watches=(calls(regex="="),)))
    client.go_on()
    assert noticed(client) == []
    assert client.texts["A"] == "A:1+2"


def test_after_so_many_steps_all_stand_still_until_the_program_has_answered() -> None:
    client = World(tape(A="123456", B="567890")).run()
    client.start(pair(watches=(Watch(name="s", every=2, hold="region"),)))
    client.go_on()
    assert [(e.n, e.step) for e in client.events if isinstance(e, Noticed)] == [(1, 2)]
    assert client.run.is_waiting
    client.tell(Write(stream="A", text="#"), Release(watch="s", n=1))
    client.go_on()
    assert client.events[-1].step == 4
    client.tell(Release(watch="s", n=1))
    assert client.world.step() is None, "an answer that was given before releases nothing"
    client.tell(Stop(), Release(watch="s", n=2))
    client.go_on()
    assert client.texts["A"] == "A:12#34"


def test_a_region_that_is_held_is_not_over_before_the_program_has_answered() -> None:
    client = World(tape(A="1+2=", B="")).run()
    client.start(pair(watches=(calls(hold="region"),)))
    client.go_on()
    client.tell(Stop())
    client.go_on()
    assert not isinstance(client.events[-1], Joined)
    client.tell(Release(watch="w", n=1))
    assert isinstance(client.events[-1], Joined)


def test_a_stream_that_is_held_by_two_goes_on_when_both_let_it() -> None:
    client = World(tape(A="1+2=;", B="")).run()
    client.start(pair(watches=(calls(),)))
    client.go_on(4)
    client.tell(Pause(stream="A"), Release(watch="w", n=1))
    client.go_on()
    assert "A" not in client.texts
    client.tell(Resume(stream="A"))
    client.go_on()
    assert client.texts["A"] == "A:1+2=;"
