"""Where two regions differ."""

from typing import Any

from hogdsl.plan import Region

_NOT_THERE = object()


def first_difference(recorded: Region, own: Region) -> str | None:
    """The first field in which they differ, with both values; None if they mean the same. Where in
    the program they were declared is no difference."""
    return _difference(recorded.model_dump(mode="json"), own.model_dump(mode="json"), "")


def _difference(a: Any, b: Any, path: str) -> str | None:
    match a, b:
        case dict(), dict():
            keys = [key for key in {**a, **b} if key != "where"]
            pairs = (
                (f"{path}.{key}", a.get(key, _NOT_THERE), b.get(key, _NOT_THERE)) for key in keys
            )
        case list(), list():
            n_most = max(len(a), len(b))
            longer = [[*x, *[_NOT_THERE] * (n_most - len(x))] for x in (a, b)]
            pairs = ((f"{path}[{i}]", x, y) for i, (x, y) in enumerate(zip(*longer, strict=True)))
        case _:
            if a == b:
                return None
            return f"{path.lstrip('.')} was {_shown(a)} and is {_shown(b)}"
    return next((found for place, x, y in pairs if (found := _difference(x, y, place))), None)


def _shown(value: Any) -> str:
    return "not there" if value is _NOT_THERE else repr(value)
