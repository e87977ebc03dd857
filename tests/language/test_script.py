"""The runtime that plays a script: it behaves as a real one does, word by word.

An ask that is due after a step is put in the next one, and whoever waits for it goes on in the one
after that.
"""

import pytest

import hogdsl as hog
from hogdsl.events import Asked, Committed, Event, Inserted, Token, Value
from hogdsl.testing import script


def words_by_step(events: tuple[Event, ...]) -> dict[int, dict[str, str]]:
    steps: dict[int, dict[str, str]] = {}
    for event in events:
        if isinstance(event, Token) and event.text:
            steps.setdefault(event.step, {})[event.stream] = event.text
    return steps


@hog.program
def two(s: hog.Scope) -> None:
    with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
        for worker in team:
            worker += hog.gen("work", max_tokens=4)


@hog.program
def one(s: hog.Scope, piece: hog.Piece) -> None:
    s += piece


def value_of(piece: hog.Piece, text: str) -> Value:
    run = one.on(script({"main": text})).run(piece)
    return next(event for event in run.events if isinstance(event, Value))


def test_streams_come_in_lock_step_a_word_each():
    run = two.on(script({"a": "1 2 3", "b": "x y"})).run()
    assert words_by_step(run.events) == {
        1: {"a": "1 ", "b": "x "},
        2: {"a": "2 ", "b": "y"},
        3: {"a": "3"},
    }


def test_the_example_of_the_package_holds():
    @hog.program
    def greet(s: hog.Scope) -> str:
        s += "My name is " + hog.gen("name", stop=".")
        return s["name"]

    assert greet.on(script({"main": "Ada. How do you do?"}))() == "Ada"


def test_a_budget_of_a_gen_ends_its_value():
    value = value_of(hog.gen(max_tokens=2), "1 2 3")
    assert (value.value, value.reason) == ("1 2 ", "max_tokens")


def test_a_stop_ends_a_value_and_is_not_part_of_it():
    value = value_of(hog.gen(stop=["!", "}"]), "42} and ! more")
    assert (value.value, value.reason) == ("42", "stop")


def test_a_text_that_ends_by_itself_has_met_its_end_token():
    assert value_of(hog.gen(stop="}"), "42").reason == "end_token"


def test_an_empty_text_is_an_empty_value():
    assert value_of(hog.gen("x"), "").value == ""


def test_a_select_takes_one_of_its_choices():
    value = value_of(hog.select("way", ["left turn", "right"]), "left turn")
    assert (value.name, value.value, value.reason) == ("way", "left turn", "selected")


def test_a_select_that_the_script_answers_otherwise_fails():
    with pytest.raises(hog.PlanError, match="the script selects 'up'"):
        value_of(hog.select("way", ["left", "right"]), "up")


def test_a_gen_without_a_text_fails():
    with pytest.raises(hog.PlanError, match="no more texts for the stream 'b'"):
        two.on(script({"a": "1"}))()


def test_the_budget_of_a_run_bounds_every_stream():
    run = two.on(script({"a": "1 2 3", "b": "x"}), max_tokens=2).run()
    assert dict(run.streams) == {"b": "x", "a": "1 2 "}
    assert [e.reason for e in run.events if e.kind == "stream_ended"] == ["finished", "budget"]


def test_texts_are_taken_in_order_over_all_regions():
    @hog.program
    def thrice(s: hog.Scope) -> str:
        s += hog.gen("x") + " " + hog.gen("y")
        s += s["x"] + hog.gen("z")
        return s["x"] + s["y"] + s["z"]

    assert thrice.on(script({"main": ["1", "2", "3"]}))() == "123"


def test_every_run_begins_the_script_anew():
    bound = two.on(script({"a": "1", "b": "2"}))
    assert bound.run().streams == bound.run().streams


def test_finished_steps_are_committed_and_the_next_begins_with_its_header():
    @hog.program
    def steps(s: hog.Scope) -> None:
        with s.fork("a", layout=hog.layouts.combined(step="\n", header="{name}{step}: ")) as team:
            team["a"] += "hi, " + hog.gen(max_tokens=9)

    run = steps.on(script({"a": "one two\nthree\n"})).run()
    assert [(e.index, e.text) for e in run.events if isinstance(e, Committed)] == [
        (1, "a1: hi, one two\n"),
        (2, "a2: three\n"),
    ]
    assert [e.text for e in run.events if isinstance(e, Inserted)] == ["a1: ", "hi, ", "a2: "]
    assert run.streams["a"] == "a1: hi, one two\na2: three\n"


def test_until_ends_all_streams_in_the_step_in_which_it_holds():
    @hog.program
    def race(s: hog.Scope) -> list[str]:
        with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen("x", max_tokens=9)
            team.until(hog.any_worker(hog.regex("found")))
        return [worker["x"] + worker.ended for worker in team]

    runtime = script({"a": "1 2 3 4", "b": "1 found 3 4"})
    assert race.on(runtime)() == ["1 2 until", "1 found until"]


def test_a_quorum_waits_for_as_many_streams_as_it_needs():
    @hog.program
    def race(s: hog.Scope) -> list[str]:
        with s.fork("a", "b", layout=hog.layouts.isolated(header="")) as team:
            for worker in team:
                worker += hog.gen("x", max_tokens=9)
            team.until(hog.all_workers(hog.regex("found")))
        return [worker["x"] for worker in team]

    runtime = script({"a": "1 2 found 4", "b": "1 found 3 4"})
    assert race.on(runtime)() == ["1 2 found ", "1 found 3 "]


@hog.program
def paced(s: hog.Scope, each: str | None = None) -> str:
    with s.concurrent() as now:
        with now.think("t", max_tokens=20) as t:
            t += hog.gen()
        with now.say("r") as r:
            r += hog.gen()
        r.waits_for(t.ask("ahead? ", every=2, at="!"), each=each)
    return now["r"]


def spoken(run: hog.Run[str]) -> dict[int, str]:
    return {n: said["r"] for n, said in words_by_step(run.events).items() if "r" in said}


def test_a_stream_is_held_until_the_answer_comes():
    runtime = script({"t": "1 2 3 4 5 6", "r": "x y"}, answers={"t": ["no", "yes"]})
    run = paced.on(runtime).run()
    assert [(e.step, e.answer, e.odds["yes"]) for e in run.events if isinstance(e, Asked)] == [
        (3, "no", 0.0),
        (5, "yes", 1.0),
        (7, "yes", 1.0),
    ]
    assert run.usage.probes == 3
    assert spoken(run) == {6: "x ", 7: "y"}
    kinds = [e.kind for e in run.events if e.kind in ("held", "resumed")]
    assert kinds == ["held", "resumed"]


def test_an_ask_is_put_where_the_text_says_so():
    runtime = script({"t": "now! 2 3", "r": "x y"})
    assert spoken(paced.on(runtime).run()) == {3: "x ", 4: "y"}


def test_another_answer_holds_a_stream_again():
    runtime = script({"t": "1 2 3 4 5 6 7", "r": "x y z"}, answers={"t": ["yes", "no", "yes"]})
    assert spoken(paced.on(runtime).run()) == {4: "x ", 5: "y ", 8: "z"}


def test_with_each_one_answer_is_good_for_one_piece():
    runtime = script(
        {"t": "1 2 3 4 5 6 7 8 9 10", "r": "a, b, c"},
        answers={"t": ["yes", "no", "yes", "no", "yes"]},
    )
    run = paced.on(runtime).run(", ")
    assert spoken(run) == {4: "a, ", 8: "b, ", 12: "c"}


def test_with_each_another_answer_does_not_take_back_what_was_granted():
    runtime = script({"t": "1 2 3 4 5 6 7 8", "r": "a b c d, e"}, answers={"t": ["yes", "no"]})
    assert spoken(paced.on(runtime).run(", ")) == {4: "a ", 5: "b ", 6: "c ", 7: "d, ", 10: "e"}


def test_nobody_waits_for_a_stream_that_has_ended():
    runtime = script({"t": "1 2 3", "r": "x y"}, answers={"t": ["no"]})
    assert spoken(paced.on(runtime).run()) == {5: "x ", 6: "y"}


def test_an_answer_that_is_none_fails():
    runtime = script({"t": "1 2 3", "r": "x"}, answers={"t": ["perhaps"]})
    with pytest.raises(hog.PlanError, match="the script answers 'perhaps' to 'ahead"):
        paced.on(runtime)()


def test_a_cancelled_session_ends_with_failed():
    session = script({"a": "1 2 3", "b": "1 2 3"}).open()
    region = two.compile().regions[0]
    kinds: list[str] = []
    for event in session.run(region):
        kinds.append(event.kind)
        session.cancel()
    assert kinds[-1] == "failed"
    assert "joined" not in kinds


def test_stats_count_open_runs_and_steps():
    runtime = script({"a": "1 2", "b": "1"})
    runtime.open()
    two.on(runtime)()
    assert (runtime.stats().runs, runtime.stats().steps) == (1, 3)
    runtime.close()
    assert runtime.stats().runs == 0
