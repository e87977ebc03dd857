"""Whether the rules of a region fit together, and fit its streams."""

from itertools import pairwise

from hogdsl import plan
from runtime.scheduler.conditions import parts_of
from runtime.scheduler.refusals import field


def check_rules(region: plan.Region) -> None:
    """Check all rules of a region.

    Raises:
        PlanError: naming the field, what was found there, and what it must be.
    """
    _check_asks(region)
    for i, until in enumerate(region.until):
        _check_condition(region, until.condition, f"until[{i}].condition")
        field(region, f"until[{i}].ends").known(until.ends, _streams(region))
    for i, hold in enumerate(region.holds):
        field(region, f"holds[{i}].stream").known([hold.stream], _streams(region))
        field(region, f"holds[{i}].at").not_empty(hold.at)
        _check_condition(region, hold.until, f"holds[{i}].until")
    field(region, "inserts").unique([insert.name for insert in region.inserts])
    for insert in region.inserts:
        where = f"inserts[{insert.name!r}]"
        field(region, f"{where}.streams").known(insert.streams, _writers(region))
        field(region, f"{where}.streams").unique(insert.streams)
        field(region, f"{where}.at").not_empty(insert.at)
    field(region, "watches").unique([watch.name for watch in region.watches])
    for watch in region.watches:
        _check_watch(region, watch)


def _streams(region: plan.Region) -> list[str]:
    return [stream.name for stream in region.streams]


def _writers(region: plan.Region) -> list[str]:
    """Streams in which the model writes."""
    return [stream.name for stream in region.streams if stream.input is None]


def _check_asks(region: plan.Region) -> None:
    field(region, "asks").unique([ask.name for ask in region.asks])
    asks = {ask.name: ask for ask in region.asks}
    field(region, "asks.stream").known([ask.stream for ask in region.asks], _writers(region))
    for ask in region.asks:
        field(region, f"asks[{ask.name!r}].at").not_empty(ask.at)
    field(region, "waits.stream").known([wait.stream for wait in region.waits], _streams(region))
    field(region, "waits.ask").known([wait.ask for wait in region.waits], asks)
    for wait in region.waits:
        field(region, "waits.answer").known([wait.answer], asks[wait.ask].answers)
        field(region, "waits.each").not_empty(wait.each)


def _check_condition(region: plan.Region, condition: plan.Condition, where: str) -> None:
    streams = field(region, f"{where}.streams")
    names = [name for whole in condition.streams for name in parts_of(whole)]
    streams.known(names, _streams(region))
    streams.unique(names)
    begins_after = {stream.name: stream.after for stream in region.streams}
    for before, part in (pair for whole in condition.streams for pair in pairwise(parts_of(whole))):
        if before not in begins_after[part]:
            raise streams.error(f"{part!r} does not begin after {before!r}; name them one by one")
    if condition.n > len(condition.streams):
        raise field(region, f"{where}.n").error(
            f"{condition.n} of {len(condition.streams)} streams can never be; name more of them"
        )
    if isinstance(condition, plan.Matches):
        field(region, f"{where}.regex").regex(condition.regex)


def _check_watch(region: plan.Region, watch: plan.Watch) -> None:
    where = f"watches[{watch.name!r}]"
    if (watch.regex is None) == (watch.every is None):
        raise field(region, where).error("either `regex` or `every` is given, and not both")
    streams = field(region, f"{where}.streams")
    streams.known(watch.streams, _writers(region))
    streams.unique(watch.streams)
    if watch.regex is not None:
        field(region, f"{where}.regex").regex(watch.regex)
        if not watch.streams:
            raise streams.error("a regex watches the text of at least one stream; found none")
    elif watch.hold == "stream":
        raise field(region, f"{where}.hold").error(
            "steps are the region's: it holds the region or nothing, not a stream"
        )
