"""What a checkpoint says about generating with it: `generation_config.json`."""

from dataclasses import dataclass, field
from pathlib import Path

from hogdsl.plan import Sampling
from runtime.json_fields import Fields, read_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Defaults of a model; a program's own settings come first."""

    end_tokens: frozenset[int] = frozenset()
    sampling: Sampling = field(default_factory=Sampling)
    """As its makers recommend; greedy if they say nothing."""


def read_generation(folder: Path) -> Generation:
    """Read `generation_config.json`, or what older checkpoints keep in `config.json` instead.

    Raises:
        ModelError: a file is no JSON object, or a setting is senseless.
    """
    own = folder / "generation_config.json"
    path = own if own.is_file() else folder / "config.json"
    if not path.is_file():
        return Generation()
    fields = read_fields(path)
    return Generation(end_tokens=_end_tokens(fields), sampling=_sampling(fields))


def _end_tokens(fields: Fields) -> frozenset[int]:
    found = fields.data.get("eos_token_id")
    tokens = found if isinstance(found, list) else [] if found is None else [found]
    if not all(type(token) is int and token >= 0 for token in tokens):
        raise fields.wrong("eos_token_id", "a token or a list of tokens")
    return frozenset(tokens)


def _sampling(fields: Fields) -> Sampling:
    if not fields.flag("do_sample", default=False):
        return Sampling()
    # Zero switches these two off in files of this format.
    top_k = fields.data.get("top_k") or None
    temperature = (
        0.0 if fields.data.get("temperature") == 0 else fields.number("temperature", default=1.0)
    )
    top_p = fields.number("top_p", default=1.0)
    if top_p > 1:
        raise fields.wrong("top_p", "a number greater than 0 and at most 1")
    return Sampling(
        temperature=temperature,
        top_p=top_p,
        top_k=None if top_k is None else fields.count("top_k"),
    )
