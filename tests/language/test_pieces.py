"""What is written: pieces, joined with `+`, and how chat messages become turns."""

import pytest

import hogdsl as hog
from hogdsl import plan


def pieces_of(*written: str | hog.Piece) -> tuple[plan.Piece, ...]:
    @hog.program
    def writes(s: hog.Scope) -> None:
        for piece in written:
            s += piece

    return writes.compile().regions[0].streams[0].pieces


def test_text_and_gen_are_joined_on_both_sides():
    answer = hog.gen("answer", max_tokens=16, stop="}")
    assert pieces_of("\\boxed{" + answer + "}.") == (
        plan.Text(text="\\boxed{"),
        plan.Gen(name="answer", max_tokens=16, stop=("}",)),
        plan.Text(text="}."),
    )


def test_joining_leaves_the_parts_as_they_were():
    answer = hog.gen("answer")
    _ = "a" + answer + "b"
    assert pieces_of(answer) == (plan.Gen(name="answer"),)


def test_text_that_grows_with_a_piece_becomes_a_piece():
    text = "The answer is "
    text += hog.gen("answer")
    assert pieces_of(text) == (plan.Text(text="The answer is "), plan.Gen(name="answer"))


def test_how_text_is_cut_into_lines_makes_no_difference():
    assert pieces_of("one ", "", "two ", "three") == pieces_of("one two three")


def test_a_message_opens_a_turn_and_closes_it():
    assert pieces_of(hog.system("be brief") + hog.user("hi")) == (
        plan.Turn(role="system", prefix="be brief"),
        plan.CloseTurn(),
        plan.Turn(role="user", prefix="hi"),
        plan.CloseTurn(),
    )


def test_an_assistant_message_may_hold_a_gen():
    assert pieces_of(hog.assistant("I say: " + hog.gen("x") + ".")) == (
        plan.Turn(role="assistant", prefix="I say: "),
        plan.Gen(name="x"),
        plan.Text(text="."),
        plan.CloseTurn(),
    )


def test_a_turn_stays_open():
    assert pieces_of(hog.turn("assistant", "<think>\n"), hog.gen()) == (
        plan.Turn(role="assistant", prefix="<think>\n"),
        plan.Gen(),
    )


def test_settings_of_a_gen_arrive_in_the_plan():
    piece = hog.gen("x", max_tokens=7, stop=["a", "b"], temperature=0.7, top_p=0.9, top_k=40)
    assert pieces_of(piece) == (
        plan.Gen(
            name="x",
            max_tokens=7,
            stop=("a", "b"),
            sampling=plan.Sampling(temperature=0.7, top_p=0.9, top_k=40),
        ),
    )


def test_penalties_lengths_and_log_probabilities_arrive_in_the_plan():
    piece = hog.gen(
        max_tokens=9,
        min_tokens=2,
        ignore_eos=True,
        top_logprobs=3,
        min_p=0.05,
        repetition_penalty=1.1,
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        logit_bias={"yes": 2.0, 7: -1.0},
    )
    assert pieces_of(piece) == (
        plan.Gen(
            max_tokens=9,
            min_tokens=2,
            ignore_eos=True,
            logprobs=3,
            sampling=plan.Sampling(
                min_p=0.05,
                repetition_penalty=1.1,
                frequency_penalty=0.5,
                presence_penalty=-0.5,
                logit_bias=(plan.Bias(token="yes", bias=2.0), plan.Bias(token=7, bias=-1.0)),
            ),
        ),
    )


def test_log_probabilities_without_alternatives_are_asked_for_alone():
    assert pieces_of(hog.gen(logprobs=True), hog.gen()) == (plan.Gen(logprobs=0), plan.Gen())


def test_a_gen_stops_at_texts_expressions_and_tokens():
    piece = hog.gen(stop=["\n", hog.regex(r"[.!?]\s"), hog.token("<|im_end|>"), hog.token(7)])
    assert pieces_of(piece) == (
        plan.Gen(stop=("\n",), stop_regex=(r"[.!?]\s",), stop_tokens=("<|im_end|>", 7)),
    )
    assert pieces_of(hog.gen(stop=hog.token(7))) == (plan.Gen(stop_tokens=(7,)),)
    assert pieces_of(hog.gen(stop=hog.regex("x"))) == (plan.Gen(stop_regex=("x",)),)


def test_a_gen_has_tokens_that_it_never_writes():
    assert pieces_of(hog.gen(forbid=["<think>", 7])) == (
        plan.Gen(sampling=plan.Sampling(forbidden=("<think>", 7))),
    )


def test_a_gen_is_held_by_an_expression_choices_or_a_schema():
    assert pieces_of(
        hog.gen(regex=r"\d+"),
        hog.gen(regex=hog.regex(r"\d+")),
        hog.gen(choices=["yes", "no"]),
        hog.gen(schema=bool),
    ) == (
        plan.Gen(constraint=plan.RegexConstraint(regex=r"\d+")),
        plan.Gen(constraint=plan.RegexConstraint(regex=r"\d+")),
        plan.Gen(constraint=plan.ChoicesConstraint(choices=("yes", "no"))),
        plan.Gen(constraint=plan.JsonConstraint(document='{"type":"boolean"}')),
    )


def test_a_select_keeps_the_order_of_its_choices():
    assert pieces_of(hog.select("way", ["left", "right"])) == (
        plan.Select(name="way", choices=("left", "right")),
    )


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (
            {"temperature": -1.0},
            "temperature is a number, 0 (greedy) or more, not -1.0. Leave it out for 0.",
        ),
        (
            {"temperature": "hot"},
            "temperature is a number, 0 (greedy) or more, not 'hot'. Leave it out for 0.",
        ),
        (
            {"max_tokens": 2.5},
            "max_tokens is a whole number, 1 or more, not 2.5. None is no bound.",
        ),
        (
            {"top_p": 0.0},
            "top_p is a share of the probability, more than 0 and at most 1, not 0.0. "
            "Use 1.0 to switch it off.",
        ),
        ({"top_k": 0}, "top_k is a whole number, 1 or more, not 0. None is no bound."),
        (
            {"stop": ""},
            "a stop is text at which a gen ends, and not empty: '' is none. Leave it out.",
        ),
        (
            {"name": ""},
            "the name of a gen is text, and not empty: '' is none. "
            "Give it a name, or leave it out.",
        ),
    ],
)
def test_a_gen_checks_its_settings(settings: dict[str, object], rule: str):
    with pytest.raises(hog.ProgramError) as caught:
        hog.gen(**settings)  # pyright: ignore[reportArgumentType] -- wrong on purpose
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("choices", "rule"),
    [
        (["a", ""], "a choice is text, and not empty: select 'x' has ''. Leave it out."),
        (["a", "a"], "select 'x' has a choice twice. Give each choice once."),
    ],
)
def test_a_select_checks_its_choices(choices: list[str], rule: str):
    with pytest.raises(hog.ProgramError) as caught:
        hog.select("x", choices)
    assert caught.value.rule == rule
