"""Runs SGLang's side of all pairs and prints what they print, as JSON: `python -m`.

A process of its own: SGLang's threads wait for ever for one of them that has failed, and cannot be
stopped from within.
"""

import json
import sys
from typing import Any

import pytest
import sglang

from tests.docs.pages import namespace, run
from tests.docs.pairs import PAGE, pairs
from tests.docs.scripted_backend import ScriptedBackend, tell_of_forks


def main() -> None:
    sgl: Any = sglang
    printed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        tell_of_forks(patch)
        for pair in pairs():
            backend = ScriptedBackend(pair.texts)
            patch.setattr(sgl.global_config, "default_backend", backend)
            printed.append(run(pair.sglang, PAGE, namespace({"sgl": sgl, "backend": backend})))
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
