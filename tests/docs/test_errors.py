"""Every section of docs/errors.md: its program is refused with that text, and mended it passes."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from textwrap import indent

import pytest

import hogdsl as hog
from tests.docs.pages import DOCS, Block, blocks, namespace, run

PAGE = DOCS / "errors.md"
WITHOUT_A_PROGRAM = {"sees-nobody", "sees-later"}
"""Rules that no program of the language can break; the compiler holds other callers to them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A rule: its name, a program that breaks it, what is said of that, and the mend."""

    code: str
    faulty: Block
    message: str
    mended: Block


def sections() -> list[Section]:
    found: list[Section] = []
    for code, group in groupby(blocks(PAGE)[1:], key=lambda block: block.section):
        faulty, message, mended = group
        assert (faulty.info, message.info, mended.info) == (
            "python program.py",
            "text",
            "python mended",
        )
        found.append(Section(code, faulty, message.code.rstrip("\n"), mended))
    return found


def execute(block: Block) -> None:
    """Run a module, then compile the programs in it."""
    names = namespace({})
    run(block, PAGE, names)
    for value in list(names.values()):
        if isinstance(value, hog.Program):
            value.compile()


def mended(section: Section, line: int) -> Block:
    """The program with the mended lines in place of the one at fault; or the mended program."""
    if section.mended.code.startswith("import"):
        return replace(section.faulty, code=section.mended.code)
    lines = section.faulty.code.splitlines(keepends=True)
    old = lines[line - 1]
    lines[line - 1] = indent(section.mended.code, old[: len(old) - len(old.lstrip())])
    return replace(section.faulty, code="".join(lines))


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.code)
def test_a_faulty_program_is_refused_as_the_page_says_and_mended_it_passes(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hog.ProgramError) as caught:
        execute(section.faulty)
    error = caught.value
    assert str(error) == section.message
    assert error.code == section.code
    assert error.line is not None
    execute(mended(section, error.line))


def codes(tree: ast.AST) -> Iterator[str]:
    """The codes that errors are raised with, either one of a condition included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            given = [node.value]
            if isinstance(node.value, ast.IfExp):
                given = [node.value.body, node.value.orelse]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def test_every_rule_has_a_section_and_every_section_a_rule():
    raised: set[str] = set()
    for file in (DOCS.parent / "hogdsl").rglob("*.py"):
        raised.update(codes(ast.parse(file.read_text(encoding="utf-8"))))
    assert raised == {section.code for section in sections()} | WITHOUT_A_PROGRAM


def test_the_rules_that_no_program_can_break_are_explained_too():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"\n## {code}\n" in text for code in WITHOUT_A_PROGRAM)


def test_the_index_leads_to_every_section():
    text = PAGE.read_text(encoding="utf-8")
    listed = [section.code for section in sections()]
    assert all(text.count(f"[{code}](#{code})") == 1 for code in listed)
