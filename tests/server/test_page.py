"""Every block of code in docs/server.md runs, and prints what the page says."""

from dataclasses import replace

from hogdsl.testing import script
from hogdsl.wire import PLAN_VERSION, WIRE_VERSION
from tests.docs.pages import DOCS, blocks, namespace, run
from tests.server.places import served

PAGE = DOCS / "server.md"
PLACE = "127.0.0.1:8642"


def test_the_code_of_the_page_prints_what_the_page_says() -> None:
    names = namespace({})
    with served(script({"main": "Paris"})) as server:
        there = server.url.removeprefix("http://")
        for code, after in zip(blocks(PAGE), blocks(PAGE)[1:], strict=False):
            if code.language == "python":
                assert after.language == "text"
                assert run(replace(code, code=code.code.replace(PLACE, there)), PAGE, names) == (
                    after.code
                )


def test_every_block_of_the_page_is_code_what_it_prints_or_a_command() -> None:
    assert {block.language for block in blocks(PAGE)} == {"python", "text", "bash"}


def test_the_page_names_the_versions_that_are_spoken() -> None:
    assert f'"wire_version": {WIRE_VERSION}, "plan_version": {PLAN_VERSION}' in PAGE.read_text()
