"""The radix cache: pages of texts that may be read again, by the whole text before them.

    tree.py        the tree of pages: match, insert, lock, evict
    plain.py       which blocks are the plain continuation of their views, and so may go into it
    counting.py    a cache that only counts tokens, for scripts and tests

Keys and values depend on everything that their writer saw. So a page is found again only by the
chain of all tokens from the start of the view, within one namespace; never by its own text alone.
Accounting in plain Python: no tensors here. `docs/cache.md` tells the whole.
"""

from runtime.cache.tree import Inserted, Match, Node, RadixCache

__all__ = ["Inserted", "Match", "Node", "RadixCache"]
