"""Writers on plain data."""

import pytest

from hogdsl.compiler.writers import Pen, check_pen, check_writers
from hogdsl.errors import ProgramError
from tests.compiler.build import at, nested, region, stream, worker
from tests.compiler.stops import stops


def test_two_streams_do_not_write_one_block():
    assert stops(check_writers, region(stream("a", line=3), stream("a", line=5))) == (
        5,
        "the stream 'a' has two writers: program.py:3 declares it already. Give each stream a name "
        "of its own.",
    )


def test_the_forks_of_a_worker_share_the_names_of_their_streams():
    forks = (nested("f0", worker("x", line=3)), nested("f1", worker("x", line=5)))
    line, rule = stops(check_writers, region(worker("a", *forks)))
    assert line == 5
    assert rule.startswith("the stream 'a/x' has two writers: program.py:3")
    check_writers(region(worker("a", forks[0]), worker("b", forks[1]), worker("x")))


@pytest.mark.parametrize("pen", ["unopened", "lent", "closed"])
def test_only_an_open_pen_writes(pen: Pen):
    check_pen("open", "the scope", at(1))
    with pytest.raises(ProgramError) as caught:
        check_pen(pen, "the scope", at(7))
    assert caught.value.line == 7
    assert caught.value.rule.startswith("the scope ")
