"""Choosing tokens: each setting alone, and independence of the batch."""

import pytest
import torch
from torch import Tensor

from hogdsl.plan import Sampling
from runtime.sampling import sample
from runtime.scheduler.work import Sample

LOGITS = torch.log(torch.tensor([[0.1, 0.4, 0.2, 0.3]]))


def draw(logits: Tensor, n_draws: int, **settings: float) -> list[int]:
    """Tokens for evenly spaced uniform numbers, all in one batch."""
    sampling = Sampling.model_validate(settings)
    wants = [Sample(sampling=sampling, uniform=(i + 0.5) / n_draws) for i in range(n_draws)]
    return sample(logits.expand(n_draws, -1), wants)


def shares(tokens: list[int]) -> list[float]:
    return [tokens.count(token) / len(tokens) for token in range(4)]


def test_greedy_takes_the_likeliest_whatever_the_uniform() -> None:
    assert set(draw(LOGITS, 10)) == {1}


def test_temperature_one_draws_with_the_models_probabilities() -> None:
    assert shares(draw(LOGITS, 1000, temperature=1.0)) == pytest.approx([0.1, 0.4, 0.2, 0.3])


def test_a_low_temperature_sharpens_and_a_high_one_flattens() -> None:
    cold = shares(draw(LOGITS, 1000, temperature=0.5))
    hot = shares(draw(LOGITS, 1000, temperature=2.0))
    assert cold[1] == pytest.approx(0.16 / 0.30, abs=0.002)
    assert cold[1] > 0.4 > hot[1]


def test_top_k_keeps_the_k_likeliest() -> None:
    assert shares(draw(LOGITS, 700, temperature=1.0, top_k=2)) == pytest.approx(
        [0, 4 / 7, 0, 3 / 7]
    )


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    kept = draw(LOGITS, 900, temperature=1.0, top_p=0.75)
    assert shares(kept) == pytest.approx([0, 4 / 9, 2 / 9, 3 / 9])
    assert set(draw(LOGITS, 50, temperature=1.0, top_p=0.4)) == {1}


def test_the_smallest_and_largest_uniform_numbers_give_kept_tokens() -> None:
    sampling = Sampling(temperature=1.0, top_k=2)
    wants = [Sample(sampling=sampling, uniform=u) for u in (0.0, 1 - 2**-64)]
    assert sample(LOGITS.expand(2, -1), wants) == [1, 3]


def test_the_batch_has_no_part_in_a_choice() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(50, 97, generator=generator)
    wants = [
        Sample(
            sampling=Sampling(temperature=(i % 3) / 2, top_p=0.9, top_k=20 if i % 2 else None),
            uniform=(i * 37 % 50) / 50,
        )
        for i in range(50)
    ]
    alone = [sample(logits[i : i + 1], [want])[0] for i, want in enumerate(wants)]
    assert sample(logits, wants) == alone
    assert sample(logits.flip(0), wants[::-1]) == alone[::-1]
