"""Names on plain data."""

import pytest

from hogdsl.compiler.ir import RegionIR, quoted
from hogdsl.compiler.names import check_names
from hogdsl.errors import ProgramError
from tests.compiler.build import at, gen, nested, region, select, stream, text, worker
from tests.compiler.stops import stops


def names(of: RegionIR) -> None:
    check_names(of, {})


def fault(faulty: RegionIR) -> tuple[int | None, str]:
    with pytest.raises(ProgramError) as caught:
        names(faulty)
    return caught.value.line, caught.value.rule


def test_a_value_has_one_name_in_its_stream():
    faulty = region(stream("a", gen("x", line=3), text(" "), gen("x", line=5)))
    assert stops(names, faulty) == (
        5,
        "the name 'x' is used twice: program.py:3 has it already. Give each value a name of its "
        "own.",
    )


def test_gen_and_select_share_their_names():
    line, _ = stops(names, region(stream("a", gen("x", line=3), select("x", "y"))))
    assert line == 1


def test_what_a_worker_writes_after_a_fork_shares_its_names():
    forks = nested("f", worker("y", gen("x", line=4)))
    line, rule = fault(region(worker("a", gen("x", line=3), forks, gen("x", line=5))))
    assert line == 5
    assert "program.py:3" in rule


def test_values_of_different_streams_may_have_the_same_name():
    names(region(stream("a", gen("x")), worker("b", gen("x"), nested("f", worker("c", gen("x"))))))


def test_values_of_the_scope_keep_their_names_until_they_are_read():
    main = region(stream("main", gen("x", line=9), role="main"))
    check_names(main, {})
    with pytest.raises(ProgramError) as caught:
        check_names(main, {"x": at(2)})
    assert caught.value.line == 9
    assert "program.py:2" in caught.value.rule


def test_values_of_a_worker_may_have_names_of_the_scope():
    check_names(region(stream("a", gen("x"))), {"x": at(2)})


def test_values_without_a_name_are_no_names():
    names(region(stream("a", gen(), gen())))


@pytest.mark.parametrize("name", ["", "a/b", "a#2", "main"])
def test_a_stream_has_a_name_that_its_blocks_can_have(name: str):
    assert fault(region(stream(name, line=4)))[0] == 4
    assert fault(region(worker("a", nested("f", worker(name, line=5)))))[0] == 5


def test_keep_names_streams_of_the_region_or_the_fork():
    rule = "keep names the stream 'b', which is not in this region. There is 'a'."
    assert fault(region(stream("a"), keep=("b",))) == (99, rule)
    forks = nested("f", worker("a"), keep=("b",), line=7)
    assert fault(region(worker("b", forks))) == (7, rule)


def test_names_in_messages_are_joined_as_people_do():
    assert quoted(("a",)) == "'a'"
    assert quoted(("a", "b", "c")) == "'a', 'b' and 'c'"
    assert quoted(()) == "nobody"
