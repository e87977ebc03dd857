"""Texts that are put into streams again and again.

A text is *due* when enough tokens have been chosen since it was due before. Then it may still wait
for the stream to write a certain text; one that is complete just when it becomes due counts.
"""

from collections.abc import Mapping

from hogdsl import plan
from runtime.scheduler.asks import has_come
from runtime.scheduler.life import Phase
from runtime.scheduler.writer import Writer


class InsertState:
    """A rule, and where it stands.

    Attributes:
        plan: the rule.
    """

    def __init__(self, insert: plan.Insert) -> None:
        self.plan = insert
        self._due: set[str] = set()
        """Streams that a text is due in."""
        self._counted: dict[str, int] = {}
        """For each stream, or for all together: tokens when the text became due last."""
        self._seen: dict[str, int] = {}
        """Characters of each stream's generated text that were looked at."""
        self._n_chosen = 0

    def look(self, writers: Mapping[str, Writer]) -> None:
        """Write where it is due."""
        running = [n for n in self.plan.streams if writers[n].phase is Phase.RUNNING]
        self._due &= set(running)
        match self.plan.into:
            case "each":
                self._due.update(n for n in running if self._counts(n, writers[n].n_generated))
            case "random":
                most = max(writers[name].n_generated for name in self.plan.streams)
                if running and not self._due and self._counts("", most):
                    self._due.add(self._choose(running, writers))
        for name in running:
            generated = writers[name].written.generated
            if name in self._due and self._is_at_place(name, generated):
                writers[name].write(self.plan.text)
                self._due.remove(name)
            self._seen[name] = len(generated)

    def _counts(self, name: str, n_tokens: int) -> bool:
        """Whether enough tokens were chosen since it was due; then they are counted anew."""
        if n_tokens - self._counted.setdefault(name, 0) < self.plan.every:
            return False
        self._counted[name] = n_tokens
        return True

    def _is_at_place(self, name: str, generated: str) -> bool:
        at = self.plan.at
        return at is None or has_come(at, generated, self._seen.get(name, 0))

    def _choose(self, running: list[str], writers: Mapping[str, Writer]) -> str:
        around = writers[running[0]].pen.around
        uniform = around.uniform("insert", self.plan.name, self._n_chosen)
        self._n_chosen += 1
        return running[int(uniform * len(running))]
