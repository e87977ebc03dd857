"""The time of one run, and how much of it the run has."""

from hogdsl.errors import RunCancelled


class RunClock:
    """A run's own clock.

    Attributes:
        lag_s: how far it is behind the clock that its callers read. A run that goes on where a
            recorded one stopped goes on at that time.
    """

    def __init__(self, opened_at_s: float | None, max_seconds: float | None) -> None:
        """
        Args:
            opened_at_s: from when `max_seconds` counts; None: from the first region's beginning.
            max_seconds: the run has no more.
        """
        self.lag_s = 0.0
        self._opened_at_s, self._max_seconds = opened_at_s, max_seconds
        self._began_at_s: float | None = None

    def own_s(self, now_s: float) -> float:
        """A time of the callers' clock by this one."""
        return now_s - self.lag_s

    def begin(self, now_s: float) -> None:
        """A region begins; the first one counts."""
        if self._began_at_s is None:
            self._began_at_s = now_s
        if self._opened_at_s is None:
            self._opened_at_s = now_s

    def running_s(self, now_s: float) -> float:
        """How long ago the first region began."""
        return 0.0 if self._began_at_s is None else now_s - self._began_at_s

    @property
    def limit_s(self) -> float | None:
        """When its time is used up; None: never, or nobody knows yet."""
        if self._max_seconds is None or self._opened_at_s is None:
            return None
        return self._opened_at_s + self._max_seconds

    def check(self, now_s: float) -> None:
        """Check that there is time left.

        Raises:
            RunCancelled: there is none.
        """
        limit_s = self.limit_s
        if limit_s is not None and now_s >= limit_s:
            raise RunCancelled(
                f"the run had {self._max_seconds} seconds and was not over. Give it more, or let "
                "it do less."
            )
