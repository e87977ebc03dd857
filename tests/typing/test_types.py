"""What pyright says of right and of wrong uses of the language."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MARK = re.compile(r"# wrong: ((?: ?report\w+)+)$")


class Fault(NamedTuple):
    """Something that pyright reports."""

    file: str
    line: int
    rule: str


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> set[Fault]:
    """All that pyright reports in the two files, in one go.

    They are copied, because the project's own settings leave the wrong uses out.
    """
    folder = tmp_path_factory.mktemp("typing")
    for name in ("negative.py", "positive.py"):
        shutil.copy(HERE / name, folder)
    settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 2
    return {
        Fault(Path(d["file"]).name, d["range"]["start"]["line"] + 1, d.get("rule", d["message"]))
        for d in report["generalDiagnostics"]
    }


def expected() -> set[Fault]:
    """What the comments in the file of wrong uses say."""
    lines = (HERE / "negative.py").read_text(encoding="utf-8").splitlines()
    marked = [(n, found) for n, line in enumerate(lines, start=1) if (found := MARK.search(line))]
    return {Fault("negative.py", n, rule) for n, found in marked for rule in found[1].split()}


def test_right_uses_are_right(reported: set[Fault]):
    assert [fault for fault in reported if fault.file == "positive.py"] == []


def test_every_wrong_use_is_reported_with_its_rule(reported: set[Fault]):
    assert sorted(expected() - reported) == []


def test_nothing_else_is_reported_of_wrong_uses(reported: set[Fault]):
    assert sorted(f for f in reported - expected() if f.file == "negative.py") == []


def test_wrong_uses_of_the_whole_language_are_there():
    assert len(expected()) >= 80
