"""Lowering of what a stream writes: nodes become pieces of a plan."""

from typing import assert_never

from hogdsl import plan
from hogdsl.compiler.nodes import CloseTurn, Fixed, Gen, Node, Select, Text, Turn


def lower_node(node: Node) -> plan.Piece:
    """The piece of a plan that a node stands for."""
    match node:
        case Gen():
            return plan.Gen(
                name=node.name,
                max_tokens=node.max_tokens,
                stop=node.stop,
                stop_regex=node.stop_regex,
                stop_tokens=node.stop_tokens,
                min_tokens=node.min_tokens,
                ignore_eos=node.ignore_eos,
                logprobs=node.logprobs,
                sampling=_sampling(node),
                constraint=node.constraint,
            )
        case Select():
            return plan.Select(name=node.name, choices=node.choices)
        case Text() | Turn() | CloseTurn():
            return lower_fixed(node)
        case _:
            assert_never(node)


def _sampling(gen: Gen) -> plan.Sampling:
    return plan.Sampling(
        temperature=gen.temperature,
        top_p=gen.top_p,
        top_k=gen.top_k,
        min_p=gen.min_p,
        repetition_penalty=gen.repetition_penalty,
        frequency_penalty=gen.frequency_penalty,
        presence_penalty=gen.presence_penalty,
        logit_bias=tuple(plan.Bias(token=token, bias=bias) for token, bias in gen.logit_bias),
        forbidden=gen.forbidden,
    )


def lower_fixed(node: Fixed) -> plan.FixedPiece:
    """The same, of a node in which the model decides nothing."""
    match node:
        case Text():
            return plan.Text(text=node.text)
        case Turn():
            return plan.Turn(role=node.role, prefix=node.prefix)
        case CloseTurn():
            return plan.CloseTurn()
        case _:
            assert_never(node)
