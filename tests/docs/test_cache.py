"""The example in docs/cache.md runs, and prints what the page says."""

import re
from itertools import pairwise

from tests.docs.pages import DOCS, blocks, namespace, run

PAGE = DOCS / "cache.md"


def test_the_example_prints_what_the_page_says():
    names, shown = namespace({}), blocks(PAGE)
    assert [block.language for block in shown] == ["python", "text"] * (len(shown) // 2)
    for code, printed in list(pairwise(shown))[::2]:
        assert run(code, PAGE, names) == printed.code


def test_links_lead_to_pages_that_are_there():
    targets = re.findall(r"\]\(([\w./-]+\.md)", PAGE.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (DOCS / target).is_file()] == []
