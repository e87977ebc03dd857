"""One row of figures per model, context and number of streams."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import DynamicCache, Qwen3ForCausalLM

from benchmarks.gpu import alone
from benchmarks.gpu.device import Device, median_s
from benchmarks.gpu.shapes import Plan
from benchmarks.gpu.teams import N_OWN, draw_tokens, make_team
from runtime.attention.cache import bytes_per_token
from runtime.blocks import Block
from runtime.checkpoint import random_transformer
from runtime.engine import Engine
from runtime.model.config import ModelConfig
from runtime.model.weights import empty_weights, places


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """See `benchmarks.gpu`."""

    model: str
    context: int
    streams: int
    step_ms: float
    prepare_ms: float
    limit_ms: float
    transformers_ms: float
    attention_us: float
    private_us: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_shape(
    name: str, plan: Plan, device: Device, bytes_per_s: float, has_time: Callable[[], bool]
) -> Iterator[Figures | str]:
    """All rows of a model; of a context that there is no time for, its name."""
    config = plan.shapes[name]
    engine = make_engine(config, plan, device)
    theirs = alone.as_transformers(engine.transformer)
    for n_context in plan.contexts:
        if not has_time():
            yield f"{name} at {n_context}"
            continue
        tokens = draw_tokens(n_context, config.n_vocab)
        prompt = engine.encode(tokens)
        cache = alone.make_cache(theirs, tokens + draw_tokens(N_OWN, config.n_vocab))
        for n in plan.n_streams:
            yield _figures(name, plan, device, bytes_per_s, engine, prompt, theirs, cache, n)
        engine.free(prompt)
    del engine, theirs
    gc.collect()
    if device.place.type == "cuda":
        torch.cuda.empty_cache()


def make_engine(config: ModelConfig, plan: Plan, device: Device) -> Engine:
    """With random weights, and room for the longest prompt and the largest team."""
    model = random_transformer(config, seed=1, device=device.place, dtype=device.dtype)
    n_own = N_OWN + 16 * (plan.n_warm_up + plan.n_steps)
    n_tokens = max(plan.contexts) + 2 * max(plan.n_streams) * n_own
    return Engine(model, attention=device.attention, n_cache_tokens=n_tokens)


@torch.inference_mode()
def _figures(
    name: str,
    plan: Plan,
    device: Device,
    bytes_per_s: float,
    engine: Engine,
    prompt: Block,
    theirs: Qwen3ForCausalLM,
    cache: DynamicCache,
    n: int,
) -> Figures:
    team = make_team(engine, prompt, n)
    times = plan.n_warm_up, plan.n_steps
    step_s = median_s(device, team.step, *times)
    n_bytes = weight_bytes(engine) + bytes_per_token(engine.config, engine.dtype) * team.n_tokens
    team.make_room()
    prepare_s = median_s(device, team.prepare, *times)
    attention_s = device.queued_s(team.attention(), plan.n_steps)
    n_each = prompt.n_tokens + n * team.blocks[0].n_tokens  # what each stream sees
    engine.free(*team.blocks)
    private = alone.private_attention(device, engine.config, n, n_each)
    private_s = device.queued_s(private, plan.n_steps)
    own_cache = alone.repeated(cache, n)
    theirs_s = median_s(device, lambda: alone.step(theirs, own_cache, n), *times)
    return Figures(
        model=name,
        context=prompt.n_tokens,
        streams=n,
        step_ms=1e3 * step_s,
        prepare_ms=1e3 * prepare_s,
        limit_ms=1e3 * n_bytes / bytes_per_s,
        transformers_ms=1e3 * theirs_s,
        attention_us=1e6 * attention_s / engine.config.n_layers,
        private_us=1e6 * private_s / engine.config.n_layers,
    )


def weight_bytes(engine: Engine) -> int:
    """What a step reads of the weights: all but the embedding, of which it reads a few rows.

    An embedding that is the head, too, is read as the head.
    """
    config = engine.config
    shapes = empty_weights(config, device=torch.device("meta"), dtype=engine.dtype)
    return sum(
        place.target.nbytes
        for place in places(config, shapes)
        if config.tie_embeddings or place.name != "model.embed_tokens.weight"
    )
