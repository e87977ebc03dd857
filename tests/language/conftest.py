"""Places in messages and plans are relative to the working directory: it is the root here."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent.parent)
