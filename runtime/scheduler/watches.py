"""What the program wants to know while its region runs."""

from collections.abc import Callable, Mapping

from hogdsl import events, plan
from runtime.scheduler.search import Search
from runtime.scheduler.writer import Writer


class WatchState:
    """A watch, and its notices that the program has not dealt with."""

    def __init__(self, watch: plan.Watch, emit: Callable[..., None]) -> None:
        self.plan, self._emit = watch, emit
        self._n = 0
        self._open: dict[int, str | None] = {}
        """Notices that are not released, and the stream of each."""
        self._searches = {name: Search(watch.regex or "") for name in watch.streams}
        self._ends = dict.fromkeys(watch.streams, 0)
        """Where the last match of each stream ends."""
        self._n_seen = dict.fromkeys(watch.streams, 0)

    def look(self, writers: Mapping[str, Writer], n_steps: int | None) -> None:
        """Tell the program what has come about.

        Args:
            writers: the region's streams.
            n_steps: steps that the region has made; None if no step was made since the last look.
        """
        if self.plan.every is not None:
            goes_on = any(not writer.is_over for writer in writers.values())
            if n_steps and n_steps % self.plan.every == 0 and goes_on:
                self._notice(None)
            return
        for name in self.plan.streams:
            self._look_at(writers[name])

    def _look_at(self, writer: Writer) -> None:
        name, n_settled, generated = writer.plan.name, writer.n_settled, writer.written.generated
        if n_settled < self._n_seen[name]:  # some of it was taken back
            self._search_from(name, min(self._ends[name], n_settled))
        self._n_seen[name] = n_settled
        while (match := self._searches[name].feed(generated, n_settled)) is not None:
            self._search_from(name, match.end())
            fields = {"start": match.start(), "end": match.end(), "text": generated[: match.end()]}
            self._notice(writer, **fields)

    def _search_from(self, name: str, place: int) -> None:
        self._ends[name] = place
        self._searches[name] = Search(self.plan.regex or "", place)

    def _notice(self, writer: Writer | None, **fields: object) -> None:
        self._n += 1
        name = None if writer is None else writer.plan.name
        self._open[self._n] = name
        self._emit(events.Noticed, watch=self.plan.name, n=self._n, stream=name, **fields)

    def release(self, n: int) -> None:
        """The program has dealt with a notice."""
        self._open.pop(n, None)

    @property
    def is_open(self) -> bool:
        """The program still has to deal with something."""
        return bool(self._open)

    @property
    def holds_region(self) -> bool:
        return self.plan.hold == "region" and bool(self._open)

    def held(self) -> set[str]:
        """Streams that are held."""
        if self.plan.hold != "stream":
            return set()
        return {name for name in self._open.values() if name is not None}
