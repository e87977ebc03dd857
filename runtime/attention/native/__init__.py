"""Attention over views on a CPU, by code that is compiled where it runs. float32 only.

    attention.py  the implementation of `Attention`
    available.py  whether it can be used here
    planning.py   a step for the compiled code, which is in `runtime/native`

A layer is one call: new keys are rotated and written, each chunk of the cache is read once for all
rows that see it, and what a row found in its chunks is merged. So a stream that joins costs
arithmetic and no reading, and a step costs as many calls as there are layers.

The result for one token does not depend, to the last bit, on what else is in the step (law 6), as
long as the step is not so large that chunks are doubled (`planning.FOUND_MOST`).
"""

from runtime.attention.native.attention import NativeAttention
from runtime.attention.native.available import why_not

__all__ = ["NativeAttention", "why_not"]
