"""How the `gen`s of a stream are run: what a plan says of them, with its tokens resolved."""

from collections.abc import Iterable

from hogdsl import plan
from hogdsl.errors import PlanError
from runtime.scheduler.generation import Recipe
from runtime.scheduler.work import Numbers, Text


def recipes_of(region: plan.Region, stream: plan.Stream, text: Text) -> tuple[Recipe | None, ...]:
    """For every piece of a stream that is a `gen`, its recipe.

    Raises:
        PlanError: a text is no single token of this model, a grammar is refused.
    """
    where = f"region {region.name!r}: streams[{stream.name!r}].pieces"
    return tuple(
        _recipe(piece, f"{where}[{i}]", text) if isinstance(piece, plan.Gen) else None
        for i, piece in enumerate(stream.pieces)
    )


def _recipe(gen: plan.Gen, where: str, text: Text) -> Recipe:
    if gen.constraint is not None:
        try:
            text.matcher(gen.constraint)
        except ValueError as error:
            raise PlanError(f"{where}.constraint: {error}") from error
    end_tokens = frozenset[int]() if gen.ignore_eos else text.end_tokens
    stop_tokens = frozenset(_tokens(gen.stop_tokens, f"{where}.stop_tokens", text))
    forbidden = _tokens(gen.sampling.forbidden, f"{where}.sampling.forbidden", text)
    return Recipe(
        piece=gen,
        end_tokens=end_tokens,
        stop_tokens=stop_tokens,
        forbidden=forbidden,
        too_early=(*forbidden, *sorted(end_tokens | stop_tokens)),
        bias=_bias(gen.sampling.logit_bias, f"{where}.sampling.logit_bias", text),
    )


def _tokens(names: Iterable[plan.TokenName], field: str, text: Text) -> tuple[int, ...]:
    try:
        return tuple(text.token(name) for name in names)
    except ValueError as error:
        raise PlanError(f"{field}: {error}. Name exactly one token.") from error


def _bias(given: tuple[plan.Bias, ...], field: str, text: Text) -> Numbers | None:
    if not given:
        return None
    numbers = Numbers()
    for token, bias in zip(_tokens((b.token for b in given), field, text), given, strict=True):
        if token in numbers:
            raise PlanError(f"{field}: {bias.token!r} is token {token}, twice. Give it once.")
        numbers.add(token, bias.bias)
    return numbers
