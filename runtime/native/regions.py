"""Which threads compute what native code shares out: a region, and how many threads it has.

Where torch has several threads they are torch's own: they look for work for milliseconds after the
last, and two sets of them on the same cores hinder each other. Where torch has one thread, it may
have a helper of ours, `runtime/native/helper.c`, which nobody has to wait for.
"""

import ctypes
import os
import sys
import threading
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from runtime.native.build import load_library


class Threads(NamedTuple):
    """
    Attributes:
        region: address of a function that runs work in several threads; None: there is none.
        n: how many.
    """

    region: int | None
    n: int


_own = threading.local()


def take_helper() -> None:
    """From now on this thread shares work out to a helper, if the process has a core for one; for
    a thread to which torch gives no others."""
    _own.has_helper = n_cores() > 1


def n_cores() -> int:
    """How many the process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads() -> Threads:
    """Those of the calling thread."""
    if getattr(_own, "has_helper", False):
        return Threads(_helped_region(), 2)
    return Threads(torch_region(), torch.get_num_threads())


@cache
def torch_region() -> int | None:
    """Address of the function that runs a region on torch's own threads; None without OpenMP."""
    for library in (Path(torch.__file__).parent / "lib").glob("lib*omp*"):
        try:
            loaded = ctypes.CDLL(str(library), mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
            return ctypes.cast(loaded.GOMP_parallel, ctypes.c_void_p).value
        except (OSError, AttributeError):
            continue
    return None


@cache
def _helped_region() -> int | None:
    return ctypes.cast(load_library().with_helper, ctypes.c_void_p).value
