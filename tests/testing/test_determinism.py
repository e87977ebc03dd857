"""The same script gives the same events in every run, whatever threads a program has."""

import threading

import hogdsl as hog
from hogdsl.events import Event, Inserted, Interrupted, Token
from hogdsl.testing import script


@hog.tool(pattern=r"(?P<x>\d+)\*(?P<y>\d+)\?", result="={} ")
def multiply(x: int, y: int) -> int:
    """The product."""
    return x * y


@hog.program
def busy(s: hog.Scope, mic: hog.Channel) -> str:
    """Input, a tool, a callback and an ask at the same time."""
    s += "Go. "
    with s.concurrent() as now:
        now.listen("mic", mic)
        with now.think("think", max_tokens=40) as think:
            think += hog.gen()
            think.uses(multiply, hold=False)
        with now.say("say", max_tokens=40) as say:
            say += hog.gen()
        say.waits_for(think.ask("ahead? ", every=3))

        @say.on(r"note")
        def noted(live: hog.Live, match: hog.Match) -> str:
            return f"[{live.step}] "

    return think.text + "|" + say.text


def filled() -> hog.Channel:
    mic = hog.Channel()
    mic.send("one ")
    mic.send("two ", at_step=5)
    mic.close(at_step=9)
    return mic


def test_input_tools_callbacks_and_asks_come_at_the_same_steps_in_every_run() -> None:
    runtime = script(
        {"think": "well 6*7? and 8*9? so it is done now", "say": "a note b note c"},
        answers={"think": ["no", "yes"]},
    )
    runs = [busy.on(runtime).run(filled()) for _ in range(5)]
    assert "6*7? =42 and 8*9? =72 so" in runs[0].value
    assert all(run.events == runs[0].events for run in runs)


def test_what_another_thread_sends_at_a_step_is_heard_at_that_step() -> None:
    @hog.program
    def waits(s: hog.Scope, mic: hog.Channel) -> str:
        with s.concurrent() as now:
            now.listen("mic", mic)
            with now.say("say", max_tokens=40) as say:
                say += hog.gen()
            say.pauses(until=hog.ended("mic"))
        return now["mic"]

    def feed(mic: hog.Channel) -> None:
        mic.send("hello ")
        mic.close()

    runtime = script({"say": "so be it"})
    mic = hog.Channel()
    feeder = threading.Thread(target=feed, args=(mic,))
    feeder.start()
    assert waits.on(runtime)(mic) == "hello "
    feeder.join()


@hog.program
def broken_into(s: hog.Scope, mic: hog.Channel, speaker: hog.Speaker) -> str:
    with s.concurrent() as now:
        now.listen("mic", mic, barge_in="restart")
        with now.say("say", max_tokens=40, speaker=speaker) as say:
            say += hog.gen()
    return now["say"]


def test_what_was_taken_back_is_not_said_again() -> None:
    mic, speaker = hog.Channel(), hog.Speaker()
    mic.send("wait! ", at_step=4)
    mic.close(at_step=5)
    run = broken_into.on(script({"say": "one two three four five six"})).run(mic, speaker)
    assert [e.text for e in run.events if isinstance(e, Interrupted)] == [""]
    assert run.value == "five six"


def told(events: tuple[Event, ...], stream: str) -> str:
    return "".join(e.text for e in events if isinstance(e, Token | Inserted) and e.stream == stream)


def test_a_script_and_piglet_run_the_same_program() -> None:
    @hog.program
    def sums(s: hog.Scope) -> str:
        s += hog.user("a:17+25 b:38+41") + hog.turn("assistant")
        s += (
            hog.gen("first", stop="\n", max_tokens=20)
            + "\n"
            + hog.gen("rest", regex=r"b:\d\d\+\d\d=\d\d")
        )
        return s["first"] + "; " + s["rest"]

    runtime = hog.local()
    real = sums.on(runtime)()
    runtime.close()
    assert sums.on(script({"main": ["a:17+25=42\nb", "b:38+41=79"]}))() == real
