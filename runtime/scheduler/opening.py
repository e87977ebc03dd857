"""A region begins: its blocks, writers and rules are made, its texts become tokens."""

from collections.abc import Callable

from hogdsl import plan
from hogdsl.errors import PlanError
from runtime.scheduler.asks import AskState, first_tokens
from runtime.scheduler.life import Surroundings
from runtime.scheduler.pen import Pen
from runtime.scheduler.present import Blocks, Present
from runtime.scheduler.recipes import recipes_of
from runtime.scheduler.rules import rules_of
from runtime.scheduler.turns import begins_plainly, render
from runtime.scheduler.work import Machine, Text
from runtime.scheduler.writer import Writer
from runtime.scheduler.written import Written


def open_region(
    region: plan.Region,
    blocks: Blocks,
    *,
    machine: Machine,
    run: int,
    seed: int,
    tenant: str,
    max_tokens: int | None,
    now_s: float,
    emit: Callable[..., None],
    count_encoded: Callable[[int], None],
) -> Present:
    """Make a checked region's blocks, writers and rules; nothing is encoded yet, nobody begins.

    Raises:
        PlanError: something in it does not fit this model: the answers of an ask cannot be told
            apart, a text is no single token, a grammar is refused.
    """
    text = machine.text
    recipes = {stream.name: recipes_of(region, stream, text) for stream in region.streams}
    asks = {ask.name: _ask(region, ask, text) for ask in region.asks}
    around = Surroundings(
        cache=machine.cache,
        text=text,
        run=run,
        region=region.name,
        seed=seed,
        tenant=tenant,
        emit=emit,
        count_encoded=count_encoded,
    )
    for block in region.blocks:
        blocks.blocks[block.name] = around.block()
    writers = {
        stream.name: Writer(
            plan=stream,
            pen=Pen(
                stream=stream.name,
                around=around,
                written=Written(block=blocks.blocks[stream.view[-1]]),
            ),
            recipes=recipes[stream.name],
            max_tokens=_smaller(stream.max_tokens, max_tokens),
        )
        for stream in region.streams
    }
    return Present(
        plan=region,
        writers=writers,
        owners={writer.plan.view[-1]: writer for writer in writers.values()},
        rules=rules_of(region, asks, writers, emit),
        texts=_texts(region, blocks, around),
        seen=frozenset(name for stream in region.streams for name in stream.view),
        started_at_s=now_s,
        blocks=blocks,
        cache=machine.cache,
    )


def _texts(region: plan.Region, blocks: Blocks, around: Surroundings) -> dict[str, tuple[int, ...]]:
    texts: dict[str, tuple[int, ...]] = {}
    for block in region.blocks:
        if isinstance(block, plan.DetachedBlock):
            blocks.detached.add(block.name)
            texts[block.name] = tuple(around.text.encode(block.text))
        elif isinstance(block, plan.TextBlock):
            before = blocks.state_after(block.after, {})
            rendered, blocks.turns[block.name] = render(around.text, block.pieces, before)
            first = begins_plainly(block.pieces, before)
            texts[block.name] = tuple(around.text.encode(rendered, first=first))
    return {name: tokens for name, tokens in texts.items() if tokens}


def _ask(region: plan.Region, ask: plan.Ask, text: Text) -> AskState:
    try:
        begins = first_tokens(text, ask.answers)
    except ValueError as error:
        raise PlanError(
            f"region {region.name!r}: asks[{ask.name!r}].answers: {error} of this model. "
            "Choose answers that begin differently."
        ) from error
    return AskState(plan=ask, question=tuple(text.encode(ask.question)), first_tokens=begins)


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((x for x in (a, b) if x is not None), default=None)
