"""Time on a machine that has nothing else to do.

What counts is the processor time of this process: other processes do not slow it, and while there
is work it never rests. When nobody runs anything it stands still, and whoever waits for a moment is
let go at once.
"""

import time
from collections.abc import Callable

POLL_S = 0.002


def now_s() -> float:
    """Processor seconds of the process, all threads together."""
    return time.process_time()


def wait_until(moment_s: float, is_idle: Callable[[], bool]) -> None:
    """Wait until the clock says `moment_s`, or nobody runs anything."""
    while now_s() < moment_s and not is_idle():
        time.sleep(POLL_S)
