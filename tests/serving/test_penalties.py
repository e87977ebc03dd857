"""Penalties, biases and log-probabilities, against plain computations and transformers."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
)

from hogdsl.plan import Sampling
from runtime import sampling
from runtime.masks import bar
from runtime.penalties import bias, penalise
from runtime.scheduler.work import Chosen, Numbers, Origin, Sample

N_VOCAB = 50
ORIGIN = Origin(run=0, region="main", stream="main", kind="gen", n=0)


def logits_of(n_rows: int, seed: int = 0) -> Tensor:
    return torch.randn(n_rows, N_VOCAB, generator=torch.Generator().manual_seed(seed)) * 3


def numbers(given: dict[int, float]) -> Numbers:
    made = Numbers()
    for token, value in given.items():
        made.add(token, value)
    return made


def want(
    *,
    chosen: list[int] | None = None,
    biases: dict[int, float] | None = None,
    forbidden: tuple[int, ...] = (),
    n_top: int | None = None,
    uniform: float = 0.5,
    **sampling: Any,
) -> Sample:
    counts = Numbers()
    for token in chosen or ():
        counts.add(token, 1)
    return Sample(
        sampling=Sampling.model_validate(sampling),
        uniform=uniform,
        forbidden=forbidden,
        bias=None if biases is None else numbers(biases),
        counts=None if chosen is None else counts,
        n_top=n_top,
        origin=ORIGIN,
    )


def choose(logits: Tensor, wants: list[Sample]) -> list[Chosen]:
    return sampling.choose(logits, wants, bar(wants, logits.shape[-1])).read()


def penalised(logits: Tensor, *wants: Sample) -> Tensor:
    changed = logits.clone()
    penalise(changed, wants)
    return changed


# ---------------------------------------------------------------- penalties


@pytest.mark.parametrize("penalty", [0.5, 1.3, 2.0])
def test_the_repetition_penalty_is_that_of_transformers_on_the_generated_tokens(
    penalty: float,
) -> None:
    logits, chosen = logits_of(1), [3, 7, 7, 30, 3]
    expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.LongTensor([chosen]), logits.clone())
    torch.testing.assert_close(
        penalised(logits, want(chosen=chosen, repetition_penalty=penalty)), expected
    )


def test_frequency_grows_with_the_count_and_presence_does_not() -> None:
    logits = torch.zeros(1, N_VOCAB)
    given = want(chosen=[5, 9, 9, 9], frequency_penalty=0.5, presence_penalty=0.25)
    changed = penalised(logits, given)[0]
    assert changed[5] == -0.75
    assert changed[9] == -1.75
    assert changed.count_nonzero() == 2


def test_negative_penalties_favour_what_was_written() -> None:
    given = want(chosen=[5], frequency_penalty=-1.5, presence_penalty=-0.5)
    assert penalised(torch.zeros(1, N_VOCAB), given)[0, 5] == 2.0


def test_what_is_subtracted_comes_before_the_repetition_penalty() -> None:
    logits = torch.full((1, N_VOCAB), 1.0)
    given = want(chosen=[5], presence_penalty=2.0, repetition_penalty=2.0)
    assert penalised(logits, given)[0, 5] == -2.0  # (1 - 2) is negative, so it is doubled


def test_tokens_that_were_taken_back_are_not_penalised() -> None:
    given = want(chosen=[5, 6], presence_penalty=1.0, repetition_penalty=1.5)
    assert given.counts is not None
    given.counts.add(5, -1)
    changed = penalised(torch.ones(1, N_VOCAB), given)[0]
    assert changed[5] == 1.0
    assert changed[6] == 0.0


def test_rows_without_counts_stay_as_they_are() -> None:
    logits = logits_of(3)
    wants = (want(), want(chosen=[1], presence_penalty=1.0), want(chosen=[], presence_penalty=1.0))
    changed = penalised(logits, *wants)
    assert torch.equal(changed[[0, 2]], logits[[0, 2]])
    assert not torch.equal(changed[1], logits[1])


def test_greedy_choices_are_penalised_too() -> None:
    logits = torch.zeros(1, N_VOCAB)
    logits[0, 4], logits[0, 8] = 2.0, 1.5
    assert choose(logits, [want()])[0].token == 4
    assert choose(logits, [want(chosen=[4], presence_penalty=1.0)])[0].token == 8


# ---------------------------------------------------------------- biases


def test_a_bias_is_added_to_its_token_alone() -> None:
    logits = logits_of(2)
    changed = logits.clone()
    bias(changed, [want(), want(biases={3: 1.5, 9: -2.0})])
    expected = logits.clone()
    expected[1, 3] += 1.5
    expected[1, 9] -= 2.0
    torch.testing.assert_close(changed, expected)


def test_a_bias_comes_behind_the_penalties() -> None:
    logits = torch.zeros(1, N_VOCAB)
    logits[0, 4], logits[0, 8] = 4.0, 5.5
    given = want(chosen=[4], repetition_penalty=2.0, biases={4: 4.0})
    assert choose(logits, [given])[0].token == 4  # 4 / 2 + 4 = 6, and (4 + 4) / 2 would be 4


def test_a_bias_does_not_bring_back_what_is_forbidden() -> None:
    given = want(biases={3: 1000.0}, forbidden=(3,))
    assert choose(logits_of(1), [given])[0].token != 3


def test_a_bias_of_a_token_that_the_logits_do_not_have_changes_nothing() -> None:
    logits = logits_of(1)
    assert choose(logits, [want(biases={900: 100.0})]) == choose(logits, [want()])


def test_the_given_logits_stay_as_they_were() -> None:
    logits = logits_of(1)
    before = logits.clone()
    choose(logits, [want(chosen=[1], presence_penalty=1.0, biases={2: 3.0}, forbidden=(3,))])
    assert torch.equal(logits, before)


# ---------------------------------------------------------------- min-p


@pytest.mark.parametrize("min_p", [0.02, 0.2, 0.9])
def test_min_p_draws_from_the_tokens_that_transformers_keeps(min_p: float) -> None:
    logits = logits_of(1)
    kept = MinPLogitsWarper(min_p)(torch.LongTensor([[0]]), logits.clone())[0]
    n_draws = 2000
    wants = [
        want(uniform=(i + 0.5) / n_draws, temperature=1.0, min_p=min_p) for i in range(n_draws)
    ]
    drawn = [chosen.token for chosen in choose(logits.expand(n_draws, -1), wants)]
    shares = torch.bincount(torch.tensor(drawn), minlength=N_VOCAB) / n_draws
    torch.testing.assert_close(shares, kept.softmax(dim=-1), atol=2 / n_draws, rtol=0)


# ---------------------------------------------------------------- log-probabilities


def test_log_probabilities_are_told_only_to_those_who_ask() -> None:
    asked, other = choose(logits_of(2), [want(n_top=0), want()])
    assert asked.logprob is not None
    assert asked.top == ()
    assert (other.logprob, other.top) == (None, ())


def test_log_probabilities_are_the_models_own_whatever_changes_the_choice() -> None:
    logits = logits_of(1)
    own = logits.log_softmax(dim=-1)[0]
    likely = own.argsort(descending=True)[:3].tolist()
    given = want(
        n_top=3,
        forbidden=(likely[0],),
        chosen=[likely[1]],
        frequency_penalty=2.0,
        biases={7: 50.0},
        temperature=0.5,
    )
    (chosen,) = choose(logits, [given])
    assert chosen.token == 7
    assert chosen.logprob == pytest.approx(own[7].item())
    assert [token for token, _ in chosen.top] == likely
    assert [p for _, p in chosen.top] == pytest.approx([own[token].item() for token in likely])


def test_each_row_gets_as_many_of_the_likeliest_as_it_asks_for() -> None:
    wants = [want(n_top=n) for n in (0, 2, 5)]
    assert [len(chosen.top) for chosen in choose(logits_of(3), wants)] == [0, 2, 5]


def test_more_than_the_vocabulary_is_not_told() -> None:
    (chosen,) = choose(torch.tensor([[0.0, 1.0]]), [want(n_top=20)])
    assert [token for token, _ in chosen.top] == [1, 0]


# ---------------------------------------------------------------- the batch


def test_the_batch_has_no_part_in_what_is_chosen_or_told() -> None:
    n_rows = 48
    logits = logits_of(n_rows, seed=5)
    wants = [
        want(
            uniform=(i * 17 % n_rows) / n_rows,
            temperature=(i % 3) / 2,
            min_p=0.1 * (i % 2),
            top_p=0.95,
            chosen=[(i * k) % N_VOCAB for k in range(i)] if i % 4 else None,
            frequency_penalty=(i % 5) / 2 - 1,
            presence_penalty=0.5,
            repetition_penalty=1 + (i % 7) / 10,
            biases={i: 2.0, (i + 9) % N_VOCAB: -3.0} if i % 3 else None,
            forbidden=(i % N_VOCAB,) if i % 5 == 0 else (),
            n_top=i % 4 or None,
        )
        for i in range(n_rows)
    ]
    alone = [choose(logits[i : i + 1], [w])[0] for i, w in enumerate(wants)]
    together = choose(logits, wants)
    assert [c.token for c in together] == [c.token for c in alone]
    assert [[t for t, _ in c.top] for c in together] == [[t for t, _ in c.top] for c in alone]
    assert [c.logprob for c in together] == pytest.approx([c.logprob for c in alone])
