"""Every block of code in docs/language.md runs, and prints what the page says."""

import re
from itertools import groupby

import pytest

from tests.docs.pages import DOCS, Block, blocks, namespace, run

PAGE = DOCS / "language.md"


def sections() -> list[list[Block]]:
    """The blocks of each section, the first one with the names that all begin with."""
    return [list(found) for _, found in groupby(blocks(PAGE), key=lambda block: block.section)]


def title(section: list[Block]) -> str:
    return section[0].section


@pytest.mark.parametrize("section", sections(), ids=title)
def test_the_code_of_a_section_prints_what_the_page_says(section: list[Block]):
    names = namespace({})
    run(sections()[0][0], PAGE, names)
    for code, after in zip(section, [*section[1:], None], strict=True):
        if code.language == "python":
            expected = after.code if after is not None and after.language == "text" else ""
            assert run(code, PAGE, names) == expected


def test_links_lead_to_pages_that_are_there():
    targets = re.findall(r"\]\(([\w./-]+\.md)", PAGE.read_text(encoding="utf-8"))
    assert [target for target in targets if not (DOCS / target).is_file()] == []


def test_every_block_of_the_page_is_code_or_what_it_prints():
    assert {block.language for block in blocks(PAGE)} == {"python", "text"}
