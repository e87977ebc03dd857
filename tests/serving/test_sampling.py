"""Choosing tokens: each setting alone, masks, and independence of the batch."""

import pytest
import torch
from torch import Tensor

from hogdsl.errors import InternalError
from hogdsl.plan import Sampling
from runtime import sampling
from runtime.masks import bar
from runtime.sampling import TOP_K_FEW, choose
from runtime.scheduler.work import Origin, Sample

LOGITS = torch.log(torch.tensor([[0.1, 0.4, 0.2, 0.3]]))
ORIGIN = Origin(run=0, region="main", stream="main", kind="gen", n=0)
SETTINGS = [
    Sampling(),
    Sampling(temperature=1.0),
    Sampling(temperature=0.7, top_k=2),
    Sampling(temperature=1.3, top_p=0.6),
]


def want(
    sampling: Sampling,
    uniform: float = 0.5,
    *,
    forbidden: tuple[int, ...] = (),
    allowed: set[int] | None = None,
) -> Sample:
    mask = None if allowed is None else mask_of(allowed)
    return Sample(
        sampling=sampling, uniform=uniform, forbidden=forbidden, allowed=mask, origin=ORIGIN
    )


def mask_of(tokens: set[int]) -> bytes:
    """Bits from the lowest, no longer than needed."""
    mask = bytearray(max(tokens, default=0) // 8 + 1)
    for token in tokens:
        mask[token // 8] |= 1 << token % 8
    return bytes(mask)


def chosen(logits: Tensor, wants: list[Sample]) -> list[int]:
    choice = choose(logits, wants, bar(wants, logits.shape[-1]))
    return [each.token for each in choice.read()]


def draw(logits: Tensor, n_draws: int, **settings: float) -> list[int]:
    """Tokens for evenly spaced uniform numbers, all in one batch."""
    sampling = Sampling.model_validate(settings)
    wants = [want(sampling, (i + 0.5) / n_draws) for i in range(n_draws)]
    return chosen(logits.expand(n_draws, -1), wants)


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


def test_min_p_keeps_what_is_likely_enough_beside_the_likeliest() -> None:
    kept = draw(LOGITS, 900, temperature=1.0, min_p=0.45)
    assert shares(kept) == pytest.approx([0, 4 / 9, 2 / 9, 3 / 9])
    assert set(draw(LOGITS, 50, temperature=1.0, min_p=1.0)) == {1}


def test_min_p_looks_at_what_the_temperature_has_made() -> None:
    assert set(draw(LOGITS, 50, temperature=4.0, min_p=0.7)) == {0, 1, 2, 3}
    assert set(draw(LOGITS, 50, temperature=1.0, min_p=0.7)) == {1, 3}


def test_the_smallest_and_largest_uniform_numbers_give_kept_tokens() -> None:
    sampling = Sampling(temperature=1.0, top_k=2)
    wants = [want(sampling, u) for u in (0.0, 1 - 2**-64)]
    assert chosen(LOGITS.expand(2, -1), wants) == [1, 3]


# ---------------------------------------------------------------- masks


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_only_allowed_tokens_are_chosen(setting: Sampling) -> None:
    wants = [want(setting, i / 40, allowed={0, 2}) for i in range(40)]
    assert set(chosen(LOGITS.expand(40, -1), wants)) <= {0, 2}


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_forbidden_tokens_are_never_chosen(setting: Sampling) -> None:
    wants = [want(setting, i / 40, forbidden=(1, 3)) for i in range(40)]
    assert set(chosen(LOGITS.expand(40, -1), wants)) <= {0, 2}


def test_what_is_forbidden_is_not_chosen_though_it_is_allowed() -> None:
    assert chosen(LOGITS, [want(Sampling(), allowed={0, 1}, forbidden=(1,))]) == [0]


def test_allowed_tokens_keep_their_odds_among_themselves() -> None:
    wants = [want(Sampling(temperature=1.0), (i + 0.5) / 300, allowed={0, 2}) for i in range(300)]
    assert shares(chosen(LOGITS.expand(300, -1), wants)) == pytest.approx([1 / 3, 0, 2 / 3, 0])


def test_tokens_beyond_the_end_of_a_mask_may_not_be_chosen() -> None:
    logits = torch.arange(20.0)[None]
    assert chosen(logits, [want(Sampling(), allowed={2, 5})]) == [5]


def test_a_mask_may_be_longer_than_the_vocabulary() -> None:
    assert chosen(LOGITS, [want(Sampling(), allowed={0, 3, 900}, forbidden=(900,))]) == [3]


def test_a_row_that_may_choose_nothing_is_our_fault() -> None:
    wants = [want(Sampling()), want(Sampling(), allowed={1}, forbidden=(1,))]
    with pytest.raises(InternalError, match="may choose none of the 4 tokens"):
        bar(wants, 4)


def test_a_batch_without_masks_makes_none() -> None:
    assert bar([want(Sampling()), want(Sampling(temperature=1.0))], 4) is None


def test_the_batch_has_no_part_in_a_choice() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(60, 97, generator=generator)
    wants = [
        want(
            Sampling(temperature=(i % 3) / 2, top_p=0.9, top_k=20 if i % 2 else None),
            (i * 37 % 60) / 60,
            allowed=set(range(i, 97, 7)) if i % 4 == 1 else None,
            forbidden=tuple(range(i)) if i % 5 == 2 else (),
        )
        for i in range(60)
    ]
    alone = [chosen(logits[i : i + 1], [want])[0] for i, want in enumerate(wants)]
    assert chosen(logits, wants) == alone
    assert chosen(logits.flip(0), wants[::-1]) == alone[::-1]


# ---------------------------------------------------------------- many tokens

MANY = 4 * TOP_K_FEW


def stepped_logits(n_rows: int) -> Tensor:
    """Few different values of both signs, so that ties are everywhere; some tokens never come."""
    logits = torch.randint(-3, 4, (n_rows, MANY), generator=torch.Generator().manual_seed(5)) / 2
    logits[:, 1::50] = -0.0
    logits[:, ::7] = float("-inf")
    return logits


@pytest.mark.parametrize("top_k", [1, 5, TOP_K_FEW])
@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_looking_for_the_likeliest_gives_what_sorting_all_gives(
    top_k: int, top_p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = stepped_logits(40)
    wants = [want(Sampling(temperature=0.9, top_k=top_k, top_p=top_p), i / 40) for i in range(40)]
    looked_for = chosen(logits, wants)
    monkeypatch.setattr(sampling, "TOP_K_FEW", 0)
    assert chosen(logits, wants) == looked_for


def test_of_equally_likely_tokens_top_k_keeps_the_first() -> None:
    wants = [want(Sampling(temperature=1.0, top_k=3), i / 30) for i in range(30)]
    assert set(chosen(torch.zeros(30, MANY), wants)) == {0, 1, 2}


def test_the_batch_has_no_part_in_a_choice_among_many_tokens() -> None:
    logits = torch.randn(30, MANY, generator=torch.Generator().manual_seed(4))
    settings = [
        Sampling(temperature=1.0),
        Sampling(temperature=0.8, top_k=20, top_p=0.95),
        Sampling(temperature=1.2, top_p=0.9),
        Sampling(temperature=1.0, top_k=2 * TOP_K_FEW, min_p=0.01),
        Sampling(),
    ]
    wants = [want(settings[i % 5], (i * 11 % 30) / 30) for i in range(30)]
    alone = [chosen(logits[i : i + 1], [each])[0] for i, each in enumerate(wants)]
    assert chosen(logits, wants) == alone


@pytest.mark.gpu
def test_a_gpu_chooses_as_a_cpu_does() -> None:
    logits = torch.randn(24, MANY, generator=torch.Generator().manual_seed(6))
    wants = [
        want(
            Sampling(temperature=(i % 3) / 2, top_k=20 if i % 2 else None, top_p=0.9),
            i / 24,
            forbidden=(i,) if i % 4 else (),
        )
        for i in range(24)
    ]
    assert chosen(logits.cuda(), wants) == chosen(logits, wants)
