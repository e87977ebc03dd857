"""Attention over views on a GPU: FlashInfer reads each span once for all rows that see it.

Compiled for Hopper, and tested on stand-ins for what runs on the device; not run on a GPU yet.

    available.py   whether it can work here, and if not, why
    requests.py    a step's rows as requests: which slots are read, and by whom
    layout.py      lines and parts of these, and padding: all numbers of a step
    upload.py      the numbers of a step, in one copy to the device
    kernels.py     what a step calls on the device, with all shapes
    variant.py     the rule that is compiled into FlashInfer's kernel: which keys a query sees
    triton_.py     the two small kernels around it: rotate and append, merge
    attention.py   the protocol of `runtime.attention.base`, made of these

The way of one layer, three launches (one more where a step has long appends too):

    q, k, v ─rotate and append─▶ rotated queries [lines, heads, d], new keys and values in the pool
            ─FlashInfer────────▶ found [lines, heads, d], weight [lines, heads]
            ─merge by token────▶ [n, heads, d]

Nothing that needs a GPU is imported before an engine asks for it.

## Steps of fixed shape, for CUDA graphs

`use_buckets` says which shapes a graph may be captured for. A step that fits is padded to the
smallest such shape, and says so in `step.bucket`; all that `attend` reads lies at addresses that
are the bucket's own. So

    attention.use_buckets([Bucket(n_tokens=4, n_requests=16, n_lines_each=4), ...])
    step = attention.prepare(rows)
    if step.bucket is None:            # run as it is
        transformer.hidden(ids, partial(attention.attend, step))
    else:                              # ids padded to step.bucket.n_tokens with any id
        # first time: capture a graph of transformer.hidden(padded_ids, partial(attend, step))
        # later: replay it; `prepare` has refreshed all that it reads

A long view is cut into requests that keep the device at work, up to `attention.n_cuts_most` more
than the runs of slots that it is made of: shapes need room for them. Steps with long appends have
no bucket.

The results of padded tokens are zeros, and they write no keys. A step without a bucket is good
until the next is prepared. In a bucket the last step prepared is what any of its steps computes,
also the one that was captured. `prepare` waits for the copies of the last step of the same shape;
its own copies come behind that step's kernels on the stream.
"""

from runtime.attention.flashinfer.attention import FlashInferAttention
from runtime.attention.flashinfer.available import why_not
from runtime.attention.flashinfer.layout import Bucket

__all__ = ["Bucket", "FlashInferAttention", "why_not"]
