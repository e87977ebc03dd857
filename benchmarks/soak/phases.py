"""What a run is doing at a moment. Only for the engine's thread."""

from typing import Literal

from runtime.scheduler.run import Run

PhaseName = Literal["idle", "queued", "prefill", "decode", "asking", "suspended", "waiting"]
"""`idle`: between regions. `queued`: it has not been in a step yet. `waiting`: for its program."""
PHASES: tuple[PhaseName, ...] = ("queued", "prefill", "decode", "asking", "suspended", "waiting")


def phase_of(run: Run) -> PhaseName:
    """The phase of a run between two steps."""
    present = run.present
    if run.is_suspended:
        return "suspended"
    if present is None:
        return "idle"
    if run.is_waiting:
        return "waiting"
    if run.is_prefilling:
        return "prefill"
    if not run.holds_tokens:
        return "queued"
    return "asking" if any(ask.due for ask in present.rules.asks.values()) else "decode"
