"""Conditions, inserts, watches and barge-in on plain data."""

import pytest

from hogdsl.compiler.flatten import flatten
from hogdsl.compiler.ir import RegionIR
from hogdsl.compiler.rules import check_rules
from tests.compiler.build import (
    ended,
    hold,
    insert,
    listen,
    nested,
    region,
    stream,
    text,
    until,
    until_,
    watch,
    worker,
)
from tests.compiler.stops import stops

A, B, NOTE = stream("a"), stream("b"), stream("note", text("fixed"))
MIC = listen("mic")


def test_conditions_count_the_streams_that_the_model_writes():
    check_rules(flatten(region(A, B, MIC, untils=(until(2), until_(ended("mic"))))))
    line, _ = stops(check_rules, region(A, MIC, untils=(until(2, line=6),)))
    assert line == 6


@pytest.mark.parametrize(
    ("faulty", "found"),
    [
        (
            region(A, untils=(until(3, line=6),)),
            "until needs 3 streams to match, and there is 1: it can never hold. Ask for fewer.",
        ),
        (
            region(MIC, untils=(until(line=6),)),
            "until needs a stream to match, and there are 0: it can never hold. Ask for fewer.",
        ),
        (
            region(A, B, holds=(hold("a", ended("b", n=2, line=6)),)),
            "until= needs 2 streams to have ended, and there is 1: it can never hold. "
            "Ask for fewer.",
        ),
        (
            region(A, untils=(until_(ended("a", "a", line=6)),)),
            "until names 'a' twice, and each stream counts once. Name it once.",
        ),
        (
            region(A, untils=(until_(ended("mike", line=6)),)),
            "until names the stream 'mike', which is not in this region. There is 'a'.",
        ),
        (
            region(A, holds=(hold("c", ended("a"), line=6),)),
            "pauses() names the stream 'c', which is not in this region. There is 'a'.",
        ),
        (
            region(A, B, holds=(hold("b", ended("a"), at_text="", line=6),)),
            "at= is the text at which a stream is held, and it is not empty. Leave it out to hold "
            "the stream from its beginning.",
        ),
        (
            region(A, watches=(watch("c", regex="x", line=6),)),
            "on() names the stream 'c', which is not in this region. There is 'a'.",
        ),
        (
            region(A, watches=(watch(every=0, line=6),)),
            "every is a whole number, 1 or more, not 0. None is no bound.",
        ),
    ],
)
def test_a_rule_speaks_of_streams_that_there_are(faulty: RegionIR, found: str):
    assert stops(check_rules, faulty) == (6, found)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (insert("c", line=6), "into= names the stream 'c', which is not in this region."),
        (insert(every=0, line=6), "every is a whole number, 1 or more, not 0."),
        (insert(text="", line=6), "insert= is text, and not empty."),
        (insert(at_text="", line=6), "at= is the text behind which is inserted"),
        (
            insert("note", line=6),
            "nothing is ever inserted into 'note': tokens are counted that the model writes, and "
            "it writes none there. Give the stream a hog.gen().",
        ),
    ],
)
def test_an_insert_comes_about(given, found: str):
    line, rule = stops(check_rules, region(A, NOTE, inserts=(given,)))
    assert line == 6
    assert rule.startswith(found)


def test_an_insert_into_each_needs_one_stream_in_which_the_model_writes():
    check_rules(flatten(region(A, NOTE, inserts=(insert(),))))
    forks = nested("f", worker("x"), inserts=(insert("x"),))
    check_rules(flatten(region(worker("w", forks), inserts=(insert("w/x"),))))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (listen("mic", barge_in="stop", line=6), "'mic' has barge_in='stop', and nobody speaks"),
        (
            listen("mic", barge_in="stop", interrupts=(), line=6),
            "'mic' has barge_in='stop', and nobody speaks",
        ),
        (
            listen("mic", interrupts=("a",), line=6),
            "'mic' interrupts 'a', and barge_in='ignore' interrupts nobody.",
        ),
        (
            listen("mic", barge_in="stop", interrupts=("ear",), line=6),
            "'mic' interrupts 'ear', which comes from outside too.",
        ),
        (
            listen("mic", barge_in="stop", interrupts=("c",), line=6),
            "interrupts= names the stream 'c', which is not in this region.",
        ),
    ],
)
def test_an_input_interrupts_somebody(given, found: str):
    line, rule = stops(check_rules, region(A, listen("ear"), given))
    assert line == 6
    assert rule.startswith(found)


def test_an_input_may_interrupt_all_that_speak_or_those_that_it_names():
    say = stream("s", role="say")
    check_rules(region(A, say, listen("mic", barge_in="restart")))
    check_rules(region(A, say, listen("mic", barge_in="pause", interrupts=("a", "s"))))
