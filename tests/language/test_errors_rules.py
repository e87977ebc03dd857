"""What paces a region: budgets, conditions, questions, waits."""

from typing import Any

import hogdsl as hog
from tests.language.faults import fault_of

HERE = "tests/language/test_errors_rules.py"


def test_a_region_in_which_nobody_is_bounded_cannot_end():
    @hog.program
    def forever(s: hog.Scope) -> None:
        with s.fork("a", "b") as team:  # here: s.fork("a", "b")
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


def test_an_until_that_needs_more_streams_than_there_are():
    @hog.program
    def unreachable(s: hog.Scope) -> None:
        with s.fork(2, max_seconds=1) as team:
            for worker in team:
                worker += hog.gen()
            team.until(hog.first(3, hog.regex("done")))  # here

    assert fault_of(unreachable) == (
        "until needs 3 streams to match, and there are 2: it can never hold. Ask for fewer."
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
            b.waits_for(stream)  # here: b.waits_for(stream)

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


def test_a_region_of_no_seconds():
    @hog.program
    def rushed(s: hog.Scope) -> None:
        with s.fork("a", max_seconds=0):  # here
            pass

    assert (
        fault_of(rushed)
        == "max_seconds is a number of seconds, more than 0, not 0. None is no bound."
    )


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
        "the end of a region takes a condition, and '\\\\d+' is none. "
        "Write hog.any_worker(hog.regex(...))."
    )


def test_a_condition_that_is_no_regular_expression():
    @hog.program
    def confused(s: hog.Scope) -> None:
        hog.regex("(")  # here: hog.regex("(")

    assert fault_of(confused) == (
        "'(' is no regular expression: missing ) at position 1. Write a backslash "
        "before a character that stands for itself."
    )


def test_a_count_of_streams_that_is_none():
    @hog.program
    def nobody(s: hog.Scope) -> None:
        hog.first(0, hog.regex("x"))  # here

    assert fault_of(nobody) == "n is the number of streams that must match, 1 or more, not 0."


def test_a_count_of_what_is_no_regex():
    @hog.program
    def confused(s: hog.Scope) -> None:
        closed: Any = hog.closed("mic")
        hog.any_worker(closed)  # here

    assert fault_of(confused) == (
        "streams are counted whose text matches hog.regex(...), and another condition is none. "
        "Write hog.regex(...) here."
    )


def test_the_end_of_nobody():
    @hog.program
    def nobody(s: hog.Scope) -> None:
        hog.ended()  # here

    assert fault_of(nobody) == (
        "ended() names no stream, and so never holds. Name the streams that must have ended."
    )


def test_a_condition_that_names_no_text():
    @hog.program
    def confused(s: hog.Scope) -> None:
        with s.fork("a") as team:
            worker: Any = team["a"]
            hog.ended(worker)  # here

    assert fault_of(confused) == (
        "a condition names streams by text, and <worker 'a'> is none. Give the stream's name."
    )


def test_an_insert_of_nothing():
    @hog.program
    def nothing(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team.every(4, insert="")  # here

    assert fault_of(nothing) == ("insert= is the text that is put in, and not empty: '' is none.")


def test_an_insert_into_nobody():
    @hog.program
    def nobody(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=4)
            team.every(4, insert="x", into="b")  # here

    assert fault_of(nobody) == (
        "into= names the stream 'b', which is not in this region. There is 'a'."
    )


def test_a_callback_with_the_wrong_arguments():
    @hog.program
    def confused(s: hog.Scope) -> None:
        with s.fork("a") as team:
            function: Any = lambda live: None  # noqa: E731 -- untyped
            team["a"].on("x")(function)  # here

    assert fault_of(confused) == (
        "a callback is called with the running region and the match, and this one cannot be: too "
        "many positional arguments. Write `def f(live, match): ...`."
    )


def test_a_callback_after_its_region():
    @hog.program
    def late(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"] += hog.gen(max_tokens=4)

        @team.on_step  # here: team.on_step
        def _(live: hog.Live) -> None: ...

    assert fault_of(late).startswith("a callback is declared outside the `with` block")


def test_tools_that_are_given_twice():
    @hog.program
    def twice(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"].uses(halve)
            team["a"].uses(halve)  # here: team["a"].uses(halve)

    rule = fault_of(twice)
    assert rule.startswith(f"the tools of 'a' are given twice, at {HERE}:")
    assert rule.endswith(" too. Give them all in one uses().")


def test_two_tools_of_the_same_name():
    @hog.program
    def twins(s: hog.Scope) -> None:
        with s.fork("a") as team:
            team["a"].uses(halve, halve)  # here

    assert fault_of(twins) == (
        "two tools have the name 'halve', and a call could mean either. Rename one of the "
        "functions."
    )


def test_a_function_that_is_no_tool():
    @hog.program
    def confused(s: hog.Scope) -> None:
        with s.fork("a") as team:
            function: Any = len
            team["a"].uses(function)  # here

    assert fault_of(confused) == (
        "a stream uses tools, and <built-in function len> is none. Decorate the function with "
        "hog.tool."
    )


def test_a_tool_whose_arguments_no_model_can_name():
    @hog.program
    def positional(s: hog.Scope) -> None:
        @hog.tool  # here: hog.tool
        def add(*numbers: int) -> int:
            return sum(numbers)

    assert fault_of(positional) == (
        "add cannot be a tool: the argument 'numbers' has no name that a call could give. A tool "
        "is a plain function whose arguments all have names, and types that pydantic can validate."
    )


def test_a_pattern_whose_groups_are_not_the_arguments():
    @hog.program
    def misnamed(s: hog.Scope) -> None:
        @hog.tool(pattern=r"(?P<n>\d+)/2")  # here
        def half(number: int) -> float:
            return number / 2

    assert fault_of(misnamed) == (
        "the pattern of the tool 'half' has the groups 'n', and the function takes 'number'. Name "
        "a group for each argument, as in (?P<number>...)."
    )


def test_a_form_of_a_result_without_a_place_for_it():
    @hog.program
    def formless(s: hog.Scope) -> None:
        hog.tool(pattern="x", result="=")  # here

    assert fault_of(formless) == (
        "result= has one {}, where the result is filled in, and '=' has not. Write a brace of its "
        "own as '{{' or '}}'."
    )


def test_something_to_listen_to_that_is_no_channel():
    @hog.program
    def deaf(s: hog.Scope) -> None:
        channel: Any = ["text"]
        with s.concurrent() as now:
            now.listen("mic", channel)  # here: now.listen("mic", channel)

    assert fault_of(deaf) == (
        "a stream listens to a hog.Channel, and ['text'] is none. Make one with hog.Channel(), or "
        "with hog.Channel.from_lines(...) and its like."
    )


def test_a_policy_that_there_is_not():
    @hog.program
    def rude(s: hog.Scope) -> None:
        policy: Any = "shout"
        with s.concurrent() as now:
            now.listen("mic", hog.Channel(), barge_in=policy)  # here

    assert fault_of(rude) == (
        "barge_in= says what happens to who speaks when somebody breaks in: one of 'ignore', "
        "'pause', 'restart', 'stop', not 'shout'."
    )


def test_an_interruption_of_what_is_no_stream():
    @hog.program
    def rude(s: hog.Scope) -> None:
        reply: Any = "reply"
        with s.concurrent() as now:
            now.listen("mic", hog.Channel(), interrupts=reply)  # here

    assert fault_of(rude) == (
        "interrupts= takes streams that speak, and 'reply' is none. Give the handle that "
        "now.say(...) returns."
    )


def test_a_callback_that_is_a_coroutine():
    @hog.program
    def awaits(s: hog.Scope) -> None:
        async def waits(live: hog.Live) -> None: ...

        function: Any = waits
        with s.fork("a") as team:
            team.on_step(function)  # here: team.on_step(function)

    assert fault_of(awaits) == (
        "a callback is called with the running region, and this one cannot be: it is a coroutine. "
        "Write `def f(live): ...`."
    )


def test_a_channel_that_two_streams_listen_to():
    @hog.program
    def torn(s: hog.Scope) -> None:
        mic = hog.Channel()
        with s.concurrent() as now:
            now.listen("a", mic)
            now.listen("b", mic)  # here: now.listen("b", mic)

    assert fault_of(torn) == (
        "'b' and 'a' listen to the same channel, and each would hear only a part. Let both views "
        "show one stream that listens."
    )


def test_a_speaker_of_two_streams():
    @hog.program
    def torn(s: hog.Scope) -> None:
        out = hog.Speaker()
        with s.concurrent() as now:
            now.say("a", speaker=out)
            now.say("b", speaker=out)  # here: now.say("b", speaker=out)

    assert fault_of(torn) == (
        "'b' and 'a' have the same speaker, which could not say whose text was delivered. Give "
        "each its own."
    )


def test_a_speaker_that_is_none():
    @hog.program
    def mute(s: hog.Scope) -> None:
        speaker: Any = "loud"
        with s.concurrent() as now:
            now.say("reply", speaker=speaker)  # here

    assert fault_of(mute) == (
        "speaker= takes a hog.Speaker, and 'loud' is none. Make one with hog.Speaker()."
    )


@hog.tool
def halve(n: int) -> float:
    """Half of it."""
    return n / 2
