"""Code in C for a CPU, compiled on the machine where it runs. float32 only.

build.py      compiling it once, loading it; torch's threads
common.h      vectors, and sharing work out to threads
plan.h        what attention is told of a step, made by
planning.c      from rows and their spans, and read by
attention.c     attention over views, one layer (`runtime.attention.native`)
tokens.c      norms and gates (`runtime.model.kernels`)
"""

from runtime.native.build import find_compiler, load_library, parallel_region

__all__ = ["find_compiler", "load_library", "parallel_region"]
