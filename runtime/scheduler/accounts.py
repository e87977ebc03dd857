"""What a run has used so far, while it is counted."""

from dataclasses import dataclass


@dataclass(slots=True)
class Accounts:
    """The fields of `hogdsl.events.Usage`."""

    steps: int = 0
    tokens_generated: int = 0
    tokens_encoded: int = 0
    tokens_cached: int = 0
    probes: int = 0
    suspensions: int = 0
    seconds: float = 0.0

    def encoded(self, n_tokens: int) -> None:
        """So many tokens of a text are put into a stream."""
        self.tokens_encoded += n_tokens
