"""Code in C for a CPU, compiled on the machine where it runs. float32 only.

build.py      compiling it once, loading it
regions.py    which threads it shares work out to
common.h      vectors, and sharing work out
helper.c      a thread of ours that helps another
plan.h        what attention is told of a step, made by
planning.c      from rows and their spans, and read by
attention.c     attention over views, one layer (`runtime.attention.native`)
products.c    products with matrices in tiles (`runtime.model.matrices`)
"""

from runtime.native.build import find_compiler, load_library
from runtime.native.regions import take_helper, threads

__all__ = ["find_compiler", "load_library", "take_helper", "threads"]
