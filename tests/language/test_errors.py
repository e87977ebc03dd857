"""Every rule of the language: the place, what was found, and the mend, word for word."""

from typing import Any

import pytest

import hogdsl as hog
from tests.language.faults import fault_of

HERE = "tests/language/test_errors.py"


def test_an_unknown_worker_is_named_with_those_that_there_are():
    @hog.program
    def pair(s: hog.Scope) -> None:
        with s.fork("alice", "carol") as team:
            for worker in team:
                worker += hog.gen(max_tokens=8)
        _ = team["bob"]  # here

    assert fault_of(pair) == (
        "the team has no worker 'bob', which was never forked. There is 'alice' and 'carol'. "
        "Fork it first, or leave it out."
    )


def test_a_view_that_shows_a_stream_of_another_region():
    @hog.program
    def two_regions(s: hog.Scope) -> None:
        with s.concurrent() as before, before.think("old") as old:
            old += hog.gen(max_tokens=8)
        with s.concurrent() as now:
            with now.say("new") as new:
                new += hog.gen(max_tokens=8)
            new.sees(old)  # here

    assert fault_of(two_regions) == (
        "'new' sees 'old', a stream of another region. Blocks of earlier regions are seen through "
        "the scope: name it in their keep=, and leave it out here."
    )


def test_a_view_that_shows_a_stream_itself():
    @hog.program
    def mirror(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("me") as me:
                me += hog.gen(max_tokens=8)
            me.sees(me)  # here

    assert fault_of(mirror) == (
        "'me' sees itself twice: a stream's own block ends its view anyway. Leave it out."
    )


def test_a_view_that_shows_another_stream_twice():
    @hog.program
    def echo(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("b") as b:
                b += hog.gen(max_tokens=8)
            b.sees(a, "and again", a)  # here

    assert fault_of(echo) == "'b' sees 'a' twice, and it would count twice. Name it once."


def test_a_view_that_is_given_twice():
    @hog.program
    def undecided(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a.sees("one")
            a.sees("two")  # here

    assert fault_of(undecided) == (
        "the view of 'a' is given twice. Give all its items in one sees()."
    )


def test_a_view_with_a_gen_in_it():
    @hog.program
    def impatient(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a.sees("note: " + hog.gen("note"))  # here

    assert fault_of(impatient) == (
        "a text that 'a' sees is encoded before the streams run, so the model cannot write in it. "
        "Write the gen to a stream with `+=`."
    )


def test_keep_names_a_stream_that_there_is_not():
    @hog.program
    def keeper(s: hog.Scope) -> None:
        with s.fork("a", "b", keep=["a", "c"]) as team:  # here
            for worker in team:
                worker += hog.gen(max_tokens=8)

    assert fault_of(keeper) == (
        "keep names the stream 'c', which is not in this region. There is 'a' and 'b'."
    )


def test_the_scope_has_two_writers_while_a_region_is_open():
    @hog.program
    def both(s: hog.Scope) -> None:
        with s.fork("a") as team:
            for worker in team:
                worker += hog.gen(max_tokens=8)
            s += "meanwhile"  # here

    assert fault_of(both) == (
        "the scope has two writers: a region is open, and the scope is sealed until it ends. "
        "Write to the region's streams, or move this line out of the `with` block."
    )


def test_a_worker_has_two_writers_after_its_region():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
        team["a"] += "one more thing"  # here

    assert fault_of(late) == (
        "the stream 'a' has two writers: its `with` block has ended, and its stream goes on "
        "without the program. Write to it inside the `with` block."
    )


def test_a_thought_has_two_writers_after_its_own_block():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            a += "one more thing"  # here

    assert fault_of(late) == (
        "the stream 'a' has two writers: its `with` block has ended, and its stream goes on "
        "without the program. Write to it inside the `with` block."
    )


def test_a_stream_is_written_before_it_is_open():
    @hog.program
    def early(s: hog.Scope) -> None:
        with s.concurrent() as now:
            a = now.think("a")
            a += hog.gen(max_tokens=8)  # here

    assert fault_of(early) == (
        "the stream 'a' is written before its block is open. Open it with `with` first."
    )


def test_a_fork_without_with_is_found_at_the_first_write():
    @hog.program
    def careless(s: hog.Scope) -> None:
        for worker in s.fork("a", "b"):
            worker += hog.gen(max_tokens=8)  # here

    assert fault_of(careless) == (
        "the stream 'a' is written before its block is open. Open it with `with` first."
    )


def test_two_streams_of_the_same_name():
    @hog.program
    def twins(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("a") as b:  # here
                b += hog.gen(max_tokens=8)

    rule = fault_of(twins)
    assert rule.startswith(f"the stream 'a' has two writers: {HERE}:")
    assert rule.endswith(" declares it already. Give each stream a name of its own.")


def test_a_value_of_a_stream_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
            return team["a"]["x"]  # here

    rule = fault_of(hasty)
    assert rule.startswith(f"'x' of 'a' is read too early: the region at {HERE}:")
    assert rule.endswith(
        " has not run, and there is no value yet. Read it after the end of the `with` block."
    )


def test_the_text_of_a_stream_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.concurrent() as now:
            with now.say("reply") as say:
                say += hog.gen(max_tokens=8)
            return now["reply"]  # here

    assert fault_of(hasty).startswith("the text of 'reply' is read too early: the region at ")


def test_why_a_stream_ended_is_read_inside_its_region():
    @hog.program
    def hasty(s: hog.Scope) -> str:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
            return team["a"].ended  # here

    assert fault_of(hasty).startswith("why 'a' ended is read too early: the region at ")


def test_a_value_that_the_scope_does_not_have():
    @hog.program
    def typo(s: hog.Scope) -> str:
        s += hog.gen("answer", max_tokens=8)
        return s["anwser"]  # here

    assert fault_of(typo) == (
        "the scope has no value 'anwser'. Write hog.gen('anwser') to it before reading; a value of "
        "a stream is read from its handle, after its region."
    )


def test_a_stream_that_the_region_does_not_have():
    @hog.program
    def typo(s: hog.Scope) -> str:
        with s.concurrent() as now, now.say("reply") as say:
            say += hog.gen(max_tokens=8)
        return now["replay"]  # here

    assert fault_of(typo) == "the region has no stream 'replay'. There is 'reply'."


def test_a_region_in_which_nobody_is_bounded_cannot_end():
    @hog.program
    def forever(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:  # here
            for worker in team:
                worker += hog.gen()
            team.until(hog.any_worker(hog.regex("done")))

    assert fault_of(forever) == (
        "the region cannot end: 'a' and 'b' have no budget and no stop. Give the region "
        "max_seconds=, or a stream or its gen max_tokens= or stop=."
    )


def test_an_empty_region():
    @hog.program
    def empty(s: hog.Scope) -> None:
        with s.concurrent():  # here
            pass

    assert fault_of(empty) == (
        "the region is empty: nothing runs in it. Declare a stream in it, or leave it out."
    )


def test_a_stream_that_writes_nothing():
    @hog.program
    def silent(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.say("a") as a:
                a += hog.gen(max_tokens=8)
            with now.think("b"):  # here
                pass

    assert fault_of(silent) == (
        "the stream 'b' writes nothing. Write to it with `+=`, for example hog.gen(), or leave it "
        "out."
    )


def test_a_worker_that_writes_nothing_but_its_header():
    @hog.program
    def silent(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:  # here
            team["a"] += hog.gen(max_tokens=8)

    assert fault_of(silent).startswith("the stream 'b' writes nothing.")


def test_an_until_that_needs_more_streams_than_there_are():
    @hog.program
    def unreachable(s: hog.Scope) -> None:
        with s.fork(2, max_seconds=1) as team:
            for worker in team:
                worker += hog.gen()
            team.until(hog.any_worker(hog.regex("done"), n=3))  # here

    assert fault_of(unreachable) == (
        "until needs 3 streams to match, and the region has 2: it can never hold. Ask for fewer."
    )


def test_a_name_of_the_scope_is_used_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        s += hog.gen("x", max_tokens=8)
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
        s += hog.gen("x", max_tokens=8)  # here

    rule = fault_of(again)
    assert rule.startswith(f"the name 'x' is used twice: {HERE}:")
    assert rule.endswith(" has it already. Give each value a name of its own.")


def test_a_name_of_a_stream_is_used_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen("x", max_tokens=8)
            team["a"] += hog.select("x", ["yes", "no"])  # here

    assert fault_of(again).startswith("the name 'x' is used twice: ")


def test_a_stream_that_takes_the_name_of_the_scope():
    @hog.program
    def usurper(s: hog.Scope) -> None:
        with s.fork("main"):  # here
            pass

    assert fault_of(usurper) == "the name 'main' is the scope's own. Give the stream another."


def test_a_select_without_choices():
    @hog.program
    def nothing_to_choose(s: hog.Scope) -> None:
        s += hog.select("way", [])  # here

    assert fault_of(nothing_to_choose) == "select 'way' has no choices. Give it at least one."


def test_a_select_whose_choices_are_one_text():
    @hog.program
    def letters(s: hog.Scope) -> None:
        s += hog.select("way", "left")  # here

    assert fault_of(letters) == (
        "the choices of a select are a list of texts, not one text: 'left'. Write ['left', ...]."
    )


def test_a_role_that_no_chat_has():
    @hog.program
    def tool(s: hog.Scope) -> None:
        role: Any = "tool"
        s += hog.turn(role)  # here

    assert fault_of(tool) == (
        "a chat turn has the role 'system', 'user' or 'assistant', not 'tool'. Use one of the "
        "three."
    )


def test_a_message_inside_a_message():
    @hog.program
    def nested(s: hog.Scope) -> None:
        s += hog.user("he said " + hog.assistant("hello"))  # here

    assert fault_of(nested) == (
        "a user message holds another message or turn, and turns do not nest. Write them one "
        "after another."
    )


def test_a_region_inside_a_region():
    @hog.program
    def nested(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
            with s.concurrent():  # here
                pass

    rule = fault_of(nested)
    assert rule.startswith(f"regions do not nest: the one at {HERE}:")
    assert rule.endswith(" is still being declared. Open this one after the other's `with` block.")


def test_a_region_that_is_opened_twice():
    @hog.program
    def again(s: hog.Scope) -> None:
        team = s.fork("a")
        with team:
            team["a"] += hog.gen(max_tokens=8)
        with team:  # here
            pass

    assert fault_of(again) == "a region is opened once. Make a new one for the next `with`."


def test_a_region_that_is_still_open_at_the_end():
    @hog.program
    def unfinished(s: hog.Scope) -> None:
        team = s.fork("a")  # here
        team.__enter__()

    assert fault_of(unfinished) == (
        "the program ends while this region is open, so it never runs. Open it with a `with` block."
    )


def test_a_stream_that_is_declared_outside_its_region():
    @hog.program
    def outside(s: hog.Scope) -> None:
        now = s.concurrent()
        now.think("a")  # here

    assert fault_of(outside) == (
        "the stream 'a' is declared outside the `with` block of its region, which cannot see it "
        "there. Move it into the block."
    )


def test_a_rule_that_is_declared_outside_its_region():
    @hog.program
    def outside(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=8)
        team.until(hog.regex("done"))  # here

    assert fault_of(outside).startswith(
        "an until is declared outside the `with` block of its region"
    )


def test_a_question_that_is_never_put():
    @hog.program
    def mute(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("b") as b:
                b += hog.gen(max_tokens=8)
            b.waits_for(a.ask("ready? "))  # here

    assert fault_of(mute) == (
        "the question to 'a' is never put: it has neither every= nor at=. Say after how many "
        "tokens, or at which text, it is put."
    )


def test_a_question_to_a_stream_in_which_the_model_writes_nothing():
    @hog.program
    def mute(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += "a fixed note"
            with now.say("b") as b:
                b += hog.gen(max_tokens=8)
            b.waits_for(a.ask("ready? ", every=4))  # here

    assert fault_of(mute) == (
        "the question to 'a' is never put: the model writes nothing in that stream. Give it a "
        "hog.gen()."
    )


def test_a_wait_for_an_answer_that_is_never_given():
    @hog.program
    def hopeless(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("a") as a:
                a += hog.gen(max_tokens=8)
            with now.say("b") as b:
                b += hog.gen(max_tokens=8)
            b.waits_for(a.ask("ready? ", every=4), "maybe")  # here

    assert fault_of(hopeless) == (
        "'b' waits for the answer 'maybe', which is never given: the answers are 'yes' and 'no'. "
        "Wait for one of them."
    )


def test_a_wait_for_what_is_no_question():
    @hog.program
    def confused(s: hog.Scope) -> None:
        with s.concurrent() as now, now.say("b") as b:
            b += hog.gen(max_tokens=8)
            stream: Any = "a"
            b.waits_for(stream)  # here

    assert fault_of(confused) == (
        "'b' waits for a question, and 'a' is none. Put one to another stream with ask()."
    )


def test_streams_that_wait_for_each_other_in_a_circle():
    @hog.program
    def after_you(s: hog.Scope) -> None:
        with s.concurrent() as now:
            with now.think("think") as think:
                think += hog.gen(max_tokens=8)
            with now.say("say") as say:
                say += hog.gen(max_tokens=8)
            say.waits_for(think.ask("ready? ", every=4))  # here
            think.waits_for(say.ask("ready? ", every=4))

    assert fault_of(after_you) == (
        "streams wait for each other in a circle: say -> think -> say. Let one of them go on "
        "without waiting."
    )


def test_a_piece_in_an_f_string():
    @hog.program
    def formatted(s: hog.Scope) -> None:
        s += f"The answer is {hog.gen('answer')}"  # here

    assert fault_of(formatted) == (
        "a piece cannot stand in an f-string: it has no text before it has run. Join text and "
        "pieces with `+`."
    )


def test_something_that_is_neither_text_nor_piece():
    @hog.program
    def number(s: hog.Scope) -> None:
        five: Any = 5
        s += five  # here

    assert fault_of(number) == (
        "a stream is written with text and pieces, not with the int 5. Turn it into text with "
        "str()."
    )


def test_a_budget_of_nothing():
    @hog.program
    def broke(s: hog.Scope) -> None:
        s += hog.gen(max_tokens=0)  # here

    assert fault_of(broke) == "max_tokens is a whole number, 1 or more, not 0. None is no bound."


def test_a_region_of_no_seconds():
    @hog.program
    def rushed(s: hog.Scope) -> None:
        with s.fork("a", max_seconds=0):  # here
            pass

    assert fault_of(rushed) == "max_seconds is a number of seconds, not 0. None is no bound."


def test_a_setting_of_the_wrong_type():
    @hog.program
    def confused(s: hog.Scope) -> None:
        question: Any = 5
        with s.concurrent() as now, now.think("a") as a:  # here
            a += hog.gen(max_tokens=4)
            a.ask(question, every=4)

    assert fault_of(confused) == (
        "the setting question of the region is of the wrong type: 5. Input should be a valid "
        "string."
    )


def test_a_condition_that_is_none():
    @hog.program
    def confused(s: hog.Scope) -> None:
        condition: Any = r"\d+"
        with s.concurrent(until=condition):  # here
            pass

    assert fault_of(confused) == (
        "a region ends at a condition, and '\\\\d+' is none. Write hog.any_worker(hog.regex(...))."
    )


def test_a_condition_that_is_no_regular_expression():
    @hog.program
    def confused(s: hog.Scope) -> None:
        hog.regex("(")  # here

    assert fault_of(confused) == (
        "'(' is no regular expression: missing ), unterminated subpattern at position 0. Write a "
        "backslash before a character that stands for itself."
    )


def test_a_step_that_ends_nowhere():
    @hog.program
    def endless(s: hog.Scope) -> None:
        hog.layouts.combined(step="")  # here

    assert fault_of(endless) == (
        "step= is the text that ends a step, and it is not empty. Give it one."
    )


def test_a_header_that_is_no_format():
    @hog.program
    def unclosed(s: hog.Scope) -> None:
        hog.layouts.isolated(header="{name")  # here

    assert fault_of(unclosed) == (
        "the header '{name' is no format: expected '}' before end of string. Write a brace as "
        "'{{' or '}}'."
    )


def test_a_fork_of_nobody():
    @hog.program
    def nobody(s: hog.Scope) -> None:
        with s.fork():  # here
            pass

    assert fault_of(nobody) == ("a fork names no worker. Give it names, or a number of workers.")


def test_a_fork_that_is_given_a_list():
    @hog.program
    def listed(s: hog.Scope) -> None:
        names: Any = ["a", "b"]
        with s.fork(names):  # here
            pass

    assert fault_of(listed) == (
        "a fork takes names of workers, or one number, not (['a', 'b'],). Unpack a list with `*`."
    )


def test_a_layout_that_was_not_called():
    @hog.program
    def uncalled(s: hog.Scope) -> None:
        layout: Any = hog.layouts.combined
        with s.fork("a", layout=layout):  # here
            pass

    assert fault_of(uncalled).endswith(
        " is none. Call one of hog.layouts, for example hog.layouts.combined()."
    )


def test_a_header_with_a_field_that_nobody_fills_in():
    @hog.program
    def misspelt(s: hog.Scope) -> None:
        with s.fork("a", layout=hog.layouts.contiguous(header="{nmae}: ")):  # here
            pass

    assert fault_of(misspelt) == (
        "the header '{nmae}: ' has the field {nmae}, and only {name} is filled in. Leave it out."
    )


def test_an_error_in_a_helper_points_into_the_helper():
    def ask(s: hog.Scope) -> None:
        s += hog.select("way", [])

    @hog.program
    def delegating(s: hog.Scope) -> None:
        ask(s)

    with pytest.raises(hog.ProgramError) as caught:
        delegating.compile()
    assert caught.value.line == ask.__code__.co_firstlineno + 1
