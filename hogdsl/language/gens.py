"""`gen` and `select`: where the model writes, and what holds it.

The same settings can be given wherever a `gen` is written: in a piece (`hog.gen`), to a stream
(`handle.gen`) or to the scope (`s.gen`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict, cast, final

from hogdsl.compiler.nodes import Gen, Place, Select
from hogdsl.language.conditions import Regex, as_pattern
from hogdsl.language.pieces import Piece
from hogdsl.language.schemas import Schema
from hogdsl.language.source import here
from hogdsl.plan import ChoicesConstraint, Constraint, RegexConstraint, TokenName


@final
@dataclass(frozen=True, slots=True)
class StopToken:
    """A token of the model at which a `gen` ends; see `token`."""

    name: TokenName


_NONE: Mapping[str | int, float] = MappingProxyType({})

Stop = str | Regex | StopToken
"""Text, a regular expression, or a token of the model."""


class GenSettings(TypedDict, total=False):
    """What holds a `gen`; every setting may be left out. They are explained at `hog.gen`."""

    max_tokens: int | None
    stop: Stop | Sequence[Stop] | None
    forbid: Sequence[str | int]
    regex: str | Regex | None
    choices: Sequence[str] | None
    temperature: float
    top_p: float
    top_k: int | None
    min_p: float
    repetition_penalty: float
    frequency_penalty: float
    presence_penalty: float
    logit_bias: Mapping[str, float] | Mapping[int, float] | Mapping[str | int, float]
    min_tokens: int
    ignore_eos: bool
    logprobs: bool
    top_logprobs: int


def gen(
    name: str | None = None,
    *,
    max_tokens: int | None = None,
    stop: Stop | Sequence[Stop] | None = None,
    forbid: Sequence[str | int] = (),
    regex: str | Regex | None = None,
    choices: Sequence[str] | None = None,
    schema: object = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    min_p: float = 0.0,
    repetition_penalty: float = 1.0,
    frequency_penalty: float = 0.0,
    presence_penalty: float = 0.0,
    logit_bias: Mapping[str, float] | Mapping[int, float] | Mapping[str | int, float] = _NONE,
    min_tokens: int = 0,
    ignore_eos: bool = False,
    logprobs: bool = False,
    top_logprobs: int = 0,
) -> Piece:
    """The model writes here.

    The settings have the names and the meaning that they have in SGLang. Penalties count the
    tokens that this `gen` has written; what stands before it counts nothing.

    Args:
        name: by which the value is read, `s[name]` or `handle[name]`.
        max_tokens: the most tokens that it writes.
        stop: at what it ends: texts, `hog.regex(...)` or `hog.token(...)`, one or several. A stop
            is no part of the value.
        forbid: tokens that it never writes, by their texts or numbers.
        regex: the whole text matches this regular expression.
        choices: the text is one of these, written token by token; `hog.select` compares their
            odds as wholes.
        schema: the text is a JSON document of this type: a pydantic model, or any type that
            pydantic can validate. `handle.gen` and `s.gen` give its value.
        temperature: 0 is greedy; then top_p, top_k and min_p have no effect.
        top_p: share of the probability that is drawn from.
        top_k: number of tokens that are drawn from.
        min_p: tokens are not drawn that are less likely than this share of the likeliest one's
            probability.
        repetition_penalty: the logit of a token that it has written is divided by this, or
            multiplied if it is negative. 1.0 changes nothing; above 0, at most 2.
        frequency_penalty: subtracted from a token's logit for every time that it has written it;
            -2 to 2.
        presence_penalty: subtracted from a token's logit once it has written it; -2 to 2.
        logit_bias: what is added to the logits of tokens, by their texts or numbers.
        min_tokens: before it has written so many tokens, it chooses neither the model's end token
            nor one of its stop tokens; a stop that is text ends it all the same.
        ignore_eos: the model's end token does not end it; its text is then part of the value.
        logprobs: how likely each token was can be read, `s.logprobs(name)`: by the model's own
            distribution, before masks, penalties, bias and temperature.
        top_logprobs: the same of so many of the likeliest tokens at each place, 20 at most; asks
            for logprobs, too.

    Raises:
        ProgramError: a setting is out of its range, or two do not go together.
    """
    place = here()
    settings = GenSettings(
        max_tokens=max_tokens,
        stop=stop,
        forbid=forbid,
        regex=regex,
        choices=choices,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        logit_bias=logit_bias,
        min_tokens=min_tokens,
        ignore_eos=ignore_eos,
        logprobs=logprobs,
        top_logprobs=top_logprobs,
    )
    typed = None if schema is None else Schema(schema, place)
    return Piece((gen_node(name, typed, settings, place),))


def select(name: str | None, choices: Sequence[str]) -> Piece:
    """The most likely of `choices`, by mean log-probability of their tokens.

    Raises:
        ProgramError: there are no choices, or one is empty or there twice.
    """
    return Piece((select_node(name, choices, here()),))


def token(name: str | int) -> StopToken:
    """A token of the model, by its text (`"<|im_end|>"`) or its number, as a stop of a `gen`.

    Raises:
        ProgramError: it is neither.
    """
    return StopToken(_checked_token(name, here()))


def gen_node(name: str | None, schema: Schema | None, settings: GenSettings, place: Place) -> Gen:
    """The node of a `gen`.

    Raises:
        ProgramError: a setting is out of its range, or two constraints are given.
    """
    stops = _listed(settings.get("stop"))
    for stop in stops:
        if not isinstance(stop, str | Regex | StopToken):
            raise place.error(
                f"a gen stops at text, hog.regex(...) or hog.token(...), not at {stop!r}.",
                code="stop",
            )
    return Gen(
        name=name,
        max_tokens=settings.get("max_tokens"),
        stop=tuple(stop for stop in stops if isinstance(stop, str)),
        stop_regex=tuple(stop.pattern for stop in stops if isinstance(stop, Regex)),
        stop_tokens=tuple(stop.name for stop in stops if isinstance(stop, StopToken)),
        forbidden=tuple(_checked_token(t, place) for t in _forbidden(settings, place)),
        constraint=_constraint(schema, settings, place),
        temperature=settings.get("temperature", 0.0),
        top_p=settings.get("top_p", 1.0),
        top_k=settings.get("top_k"),
        min_p=settings.get("min_p", 0.0),
        repetition_penalty=settings.get("repetition_penalty", 1.0),
        frequency_penalty=settings.get("frequency_penalty", 0.0),
        presence_penalty=settings.get("presence_penalty", 0.0),
        logit_bias=_biases(settings, place),
        min_tokens=settings.get("min_tokens", 0),
        ignore_eos=settings.get("ignore_eos", False),
        logprobs=_logprobs(settings, place),
        place=place,
    )


def select_node(name: str | None, choices: Sequence[str], place: Place) -> Select:
    """The node of a `select`.

    Raises:
        ProgramError: there are no choices, or one is empty or there twice.
    """
    return Select(name=name, choices=_choices("a select", choices, place), place=place)


def _constraint(schema: Schema | None, settings: GenSettings, place: Place) -> Constraint | None:
    pattern, choices = settings.get("regex"), settings.get("choices")
    if sum(given is not None for given in (schema, pattern, choices)) > 1:
        raise place.error(
            "a gen is held by one of schema=, regex= and choices=, and here are several. "
            "Leave the others out.",
            code="constraints",
        )
    if schema is not None:
        return schema.constraint
    if pattern is not None:
        return RegexConstraint(regex=as_pattern(pattern, place))
    if choices is not None:
        # checked as those of a select are
        return ChoicesConstraint(
            choices=Select(
                name=None, choices=_choices("a gen", choices, place), place=place
            ).choices
        )
    return None


def _choices(what: str, choices: object, place: Place) -> tuple[str, ...]:
    if isinstance(choices, str):
        raise place.error(
            f"the choices of {what} are a list of texts, not one text: {choices!r}. "
            f"Write [{choices!r}, ...].",
            code="choices",
        )
    return tuple(cast(Sequence[str], choices))


def _forbidden(settings: GenSettings, place: Place) -> Sequence[object]:
    forbid = cast(object, settings.get("forbid", ()))
    if isinstance(forbid, str | int):
        raise place.error(
            f"forbid= is a list of tokens, not one: {forbid!r}. Write [{forbid!r}].", code="token"
        )
    return cast(Sequence[object], forbid)


def _biases(settings: GenSettings, place: Place) -> tuple[tuple[TokenName, float], ...]:
    given = cast(object, settings.get("logit_bias", _NONE))
    if not isinstance(given, Mapping):
        raise place.error(
            f"logit_bias= gives a number for each token, and {given!r} does not. "
            "Write for example {'yes': 2.0}.",
            code="logit-bias",
        )
    pairs = cast(Mapping[object, float], given).items()
    return tuple((_checked_token(token, place), bias) for token, bias in pairs)


def _logprobs(settings: GenSettings, place: Place) -> int | None:
    """How many of the likeliest tokens are told; None if nothing is."""
    wanted, n_top = settings.get("logprobs", False), settings.get("top_logprobs", 0)
    if type(wanted) is not bool:
        raise place.error(
            f"logprobs is True or False, not {wanted!r}. For a number of likeliest tokens, use "
            "top_logprobs=.",
            code="logprobs",
        )
    return n_top if wanted or n_top != 0 else None


def _checked_token(name: object, place: Place) -> TokenName:
    match name:
        case str() if name:
            return name
        case int() if type(name) is int and name >= 0:
            return name
        case _:
            raise place.error(
                f"a token is given by its text or its number, and {name!r} is neither.",
                code="token",
            )


def _listed(stop: object) -> tuple[object, ...]:
    match stop:
        case None:
            return ()
        case str() | Regex() | StopToken():
            return (stop,)
        case list() | tuple():
            return tuple(cast(Sequence[object], stop))
        case _:
            return (stop,)
