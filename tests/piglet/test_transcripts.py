"""The text that piglet learns from: right answers, and no lesson from what others wrote."""

import json
import random
import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from runtime.piglet import listening, lists, reasoning, transcripts
from runtime.piglet.problems import Calculation, LongSum, SumList, speech
from runtime.piglet.segments import CHECK, LEARN, SKIP, THINKING, THOUGHTS_GO_ON, Segments
from runtime.piglet.teams import Team, Worker
from runtime.piglet.transcripts import KINDS, Draw, Kind

N_DRAWN = 200


def drawn(draw: Draw) -> Iterator[Segments]:
    rng = random.Random("transcripts")
    return (draw(rng) for _ in range(N_DRAWN))


def text_of(segments: Segments) -> str:
    return "".join(text for text, _ in segments)


def learned(segments: Segments) -> list[str]:
    return [text for text, weight in segments if weight]


def given(segments: Segments) -> str:
    return "".join(text for text, weight in segments if weight == SKIP)


def test_every_kind_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {
        name: Kind(draw=lambda rng, name=name: [(name, LEARN)], weight=kind.weight)
        for name, kind in KINDS.items()
    }
    monkeypatch.setattr(transcripts, "KINDS", named)
    assert {text_of(segments) for segments in drawn(transcripts.draw)} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_transcript_is_given_a_beginning_and_learns_something(name: str) -> None:
    for segments in drawn(KINDS[name].draw):
        assert segments[0][0].startswith("<|im_start|>user\n")
        assert segments[0][1] == SKIP
        assert any(learned(segments))


def test_the_same_seed_draws_the_same_transcripts() -> None:
    first, again = (
        [text_of(transcripts.draw(random.Random(seed))) for seed in range(20)] for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == 20


# ---------------------------------------------------------------- problems


def test_a_long_sum_thinks_and_speaks_running_totals() -> None:
    problem = LongSum((17, 25, 3))
    assert problem.prompt == "a:17 b:25 c:3"
    assert problem.written(0) + problem.written(1) == "b:17+25=42\nc:42+3=45\n"
    assert speech(problem) == "b=42, c=45."


def test_a_calculation_writes_its_sums_and_calls_a_tool_for_its_products() -> None:
    problem = Calculation(((17, "*", 25), (38, "+", 41)))
    assert problem.prompt == "calc a:17*25 b:38+41"
    assert (problem.written(0), problem.given(0)) == ("a:17*25?", "=425\n")
    assert (problem.written(1), problem.given(1)) == ("b:38+41=79\n", "")
    assert speech(problem) == "a=425, b=79."


@pytest.mark.parametrize("pair", [(0, 0), (4, 5), (17, 25), (99, 99)])
def test_a_wrong_line_differs_in_one_digit_of_the_result(pair: tuple[int, int]) -> None:
    problem, rng = SumList((pair,)), random.Random(0)
    right = problem.line(0)
    for _ in range(20):
        wrong = problem.wrong_line(0, rng)
        assert len(wrong) == len(right)
        assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 1
        assert wrong.index("=") == right.index("=")


# ---------------------------------------------------------------- lists and teams


def test_workers_that_start_together_take_one_item_each_in_order() -> None:
    team = Team(SumList(((1, 2), (3, 4), (5, 6))), [Worker("Alice"), Worker("Bob")])
    assert team.choices() == {0: 0, 1: 1}
    rng = random.Random(0)
    for _ in range(len("a:1+2=3\n")):
        team.advance(rng, stall=0.0)
    assert [name for name, _ in team.history] == ["Alice", "Bob"]
    assert team.choices() == {0: 2, 1: None}


@pytest.mark.parametrize("n_workers", [1, 2, 4])
@pytest.mark.parametrize("n_items", [1, 3, 8])
def test_workers_who_see_finished_lines_only_do_every_sum_and_mostly_once(
    n_workers: int, n_items: int
) -> None:
    workers = [Worker(name) for name in "ABCD"[:n_workers]]
    problem = SumList(tuple((i, i) for i in range(n_items)))
    team, rng = Team(problem, workers, sees_unfinished=False), random.Random(0)
    while not all(worker.ended for worker in workers):
        team.advance(rng, stall=0.1)
    done = [item for _, item in team.history]
    assert set(done) == set(range(n_items))
    assert len(done) <= n_items + n_workers * (n_workers - 1)


def test_the_last_turn_of_a_chat_answers_the_newest_list() -> None:
    for segments in drawn(lists.chat):
        *_, asked = re.findall(r"<\|im_start\|>user\n(.*?)<\|im_end\|>", text_of(segments))
        worked = re.findall(r"(\S+?)=\d+\n", segments[-1][0])
        assert " ".join(worked) == asked


def test_a_reply_that_was_broken_off_is_not_taught_to_end_there() -> None:
    n_broken_off = 0
    for segments in drawn(lists.chat):
        for (reply, _), (after, weight) in pairwise(segments):
            if after == "<|im_end|>":
                n_broken_off += 1
                assert weight == SKIP
                assert not reply.endswith("<|im_end|>")
    assert N_DRAWN / 4 < n_broken_off < N_DRAWN * 3 / 4


def worked_by_critic(segments: Segments) -> str:
    return "".join(learned(segments)).replace(".", "").removesuffix("<|im_end|>")


def test_a_critic_works_each_finished_line_again() -> None:
    for segments in drawn(lists.check):
        worker = given(segments).replace(CHECK, "").replace(".", "")
        finished = re.findall(r"([a-h]:\d+\+\d+)=\d+\n", worker)
        again = re.findall(r"(.*)=\d+\n", worked_by_critic(segments))
        assert again == [item.replace(":", ">") for item in finished]


def test_a_critic_learns_no_wrong_sum() -> None:
    n_wrong = 0
    for segments in drawn(lists.check):
        for x, y, result in re.findall(r"(\d+)\+(\d+)=(\d+)\n", worked_by_critic(segments)):
            assert int(x) + int(y) == int(result)
        worked = re.findall(r"(\d+)\+(\d+)=(\d+)\n", text_of(segments))
        n_wrong += sum(int(x) + int(y) != int(result) for x, y, result in worked)
    assert n_wrong > N_DRAWN / 4


def test_a_critic_ends_with_the_list_and_waits_before() -> None:
    for segments in drawn(lists.check):
        n_items = text_of(segments).split("<|im_end|>")[0].count("+")
        n_worked = worked_by_critic(segments).count("=")
        assert segments[-1][0] == ("<|im_end|>" if n_worked == n_items else ".")


# ---------------------------------------------------------------- thinking and speaking


def calculation_views(rng: random.Random) -> Segments:
    problem = reasoning.draw_calculation(rng)
    view = rng.choice((reasoning.think, reasoning.speak))
    return view(problem, rng) + reasoning.think_and_speak(problem)


def test_what_a_tool_gives_is_never_learned() -> None:
    for segments in drawn(calculation_views):
        for text in learned(segments):
            assert not re.search(r"\?=|^=", text)


def test_a_reply_copies_all_results() -> None:
    for segments in drawn(lambda rng: reasoning.think_and_speak(reasoning.draw_calculation(rng))):
        thoughts, reply = text_of(segments).split("</think>\n")
        results = re.findall(r"([a-h]):[^=]+=(\d+)\n", thoughts)
        assert re.findall(r"([a-h])=(\d+)", reply) == results


# ---------------------------------------------------------------- listening


def test_notes_wait_only_while_nothing_new_is_heard() -> None:
    for segments in drawn(listening.notes):
        text = ""
        for piece, weight in segments:
            heard = len(re.findall(r" [a-h]:\d+", text))
            noted = text.count("=")
            if weight and piece.startswith("."):
                assert noted == max(0, heard - 1)
                assert "?" not in text
            if weight and piece == "</think>":
                assert noted == heard - 1
                assert "?" in text
            text += piece


def test_the_reply_comes_when_asked_and_when_the_notes_are_complete() -> None:
    for segments in drawn(listening.reply):
        view, answer = segments[0][0], segments[-1][0]
        terms = [int(term) for term in re.findall(r" [a-h]:(\d+)", view)]
        n_noted = len(re.findall(r"=\d+\n", view.replace(THOUGHTS_GO_ON, "")))
        complete = "?" in view and n_noted == len(terms) - 1
        told = f"{'abcdefgh'[len(terms) - 1]}={sum(terms)}.<|im_end|>"
        assert answer == (told if complete else ".")


def test_a_summary_counts_and_adds_what_was_heard() -> None:
    for segments in drawn(listening.summary):
        view, answer = segments[0][0], segments[-1][0].removesuffix("<|im_end|>")
        terms = [int(term) for term in re.findall(r" [a-h]:(\d+)", view)]
        assert json.loads(answer) == {"heard": len(terms), "total": sum(terms)}
        assert " " not in answer


@pytest.mark.parametrize(
    ("draw", "fixed", "piece"),
    [
        (listening.notes, THINKING, r" [a-h?]"),
        (listening.reply, THINKING, r" [a-h?]"),
        (lists.check, CHECK, r"[a-h]:\d"),
    ],
)
def test_growing_text_often_stands_behind_the_text_that_follows_it(
    draw: Draw, fixed: str, piece: str
) -> None:
    texts = [given(segments).split(fixed)[1] for segments in drawn(draw)]
    assert N_DRAWN / 4 < sum(bool(re.search(piece, text)) for text in texts) < N_DRAWN * 3 / 4
