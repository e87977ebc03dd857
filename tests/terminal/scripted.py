"""A runtime without a model that remembers what the terminal did with it."""

from hogdsl.ports import Session
from hogdsl.testing import script
from tests.terminal.scenes import STATS


class RecordedScript:
    """Implements `hogdsl.ports.Runtime`; the stream `main` writes "forty-two"."""

    def __init__(self) -> None:
        self._script = script({"main": "forty - two"})
        self.opened: list[tuple[int, int | None]] = []
        """Seed and budget of every run."""
        self.max_seconds: list[float | None] = []
        self.tenants: list[str] = []
        self.freed = False
        """The runtime was closed, and every session before it."""

    def open(
        self,
        *,
        seed: int = 0,
        max_tokens: int | None = None,
        max_seconds: float | None = None,
        tenant: str = "",
    ) -> Session:
        self.opened.append((seed, max_tokens))
        self.max_seconds.append(max_seconds)
        self.tenants.append(tenant)
        return self._script.open(
            seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
        )

    def stats(self):
        return STATS

    def close(self) -> None:
        self.freed = all(session.closed for session in self._script.sessions)
