"""Sequential code: what becomes a region of `main`, and which blocks it sees."""

import hogdsl as hog
from hogdsl.plan import Gen, Plan, StreamBlock, Text
from hogdsl.testing import script


def regions_run(program: hog.Program[[], object], texts: dict[str, list[str]]) -> Plan:
    """The regions of a whole run, values read midway included."""
    runtime = script(texts)
    program.on(runtime)()
    return Plan(program=program.name, regions=tuple(runtime.sessions[0].regions))


def test_pieces_collect_until_the_program_ends():
    @hog.program
    def one(s: hog.Scope) -> None:
        s += "a"
        s += hog.gen("x")
        s += "b"

    (region,) = one.compile().regions
    assert (region.name, region.keep) == ("main.0", ("main.0",))
    assert region.blocks == (StreamBlock(name="main.0"),)
    (main,) = region.streams
    assert (main.name, main.role, main.view) == ("main", "main", ("main.0",))
    assert main.pieces == (Text(text="a"), Gen(name="x"), Text(text="b"))


def test_a_program_that_writes_nothing_has_an_empty_plan():
    @hog.program
    def nothing(s: hog.Scope) -> int:
        return 42

    assert nothing.compile() == Plan(program="nothing", regions=())


def test_what_follows_a_read_value_continues_the_same_block():
    @hog.program
    def two(s: hog.Scope) -> None:
        s += "a" + hog.gen("x")
        s += s["x"] + hog.gen("y")

    first, second = regions_run(two, {"main": ["X", "Y"]}).regions
    assert (second.name, second.blocks, second.keep) == ("main.1", (), ())
    assert second.streams[0].view == first.streams[0].view == ("main.0",)
    assert second.streams[0].pieces == (Text(text="X"), Gen(name="y"))


def test_reading_a_value_again_runs_nothing():
    @hog.program
    def again(s: hog.Scope) -> str:
        s += hog.gen("x")
        return s["x"] + s["x"]

    assert len(regions_run(again, {"main": ["X"]}).regions) == 1


def test_a_plan_ends_where_a_value_is_read():
    @hog.program
    def branches(s: hog.Scope) -> str:
        s += hog.gen("x", max_tokens=4)
        if s["x"] == "yes":
            s += "then"
        return s["x"]

    compiled = branches.compile()
    assert [region.name for region in compiled.regions] == ["main.0"]
    line = branches.__wrapped__.__code__.co_firstlineno + 3
    assert compiled.reads == f"tests/language/test_scope.py:{line}"


def test_an_except_of_the_program_does_not_hide_that_a_value_is_read():
    @hog.program
    def careful(s: hog.Scope) -> str:
        s += hog.gen("x", max_tokens=4)
        try:
            return s["x"]
        except Exception:
            return ""

    assert careful.compile().reads is not None


def test_after_a_fork_the_scope_sees_the_kept_blocks_and_begins_a_new_one():
    @hog.program
    def forks(s: hog.Scope) -> None:
        s += "question"
        with s.fork("a", "b") as team:
            for worker in team:
                worker += hog.gen(max_tokens=4)
        s += "summary: " + hog.gen("sum", max_tokens=4)

    main, fork, after = forks.compile().regions
    assert (main.name, fork.name, after.name) == ("main.0", "fork.1", "main.2")
    assert fork.keep == ("fork.1.a", "fork.1.b")
    assert after.blocks == (StreamBlock(name="main.2"),)
    assert after.streams[0].view == ("main.0", "fork.1.a", "fork.1.b", "main.2")


def test_a_region_that_keeps_nothing_leaves_the_scope_as_it_was():
    @hog.program
    def forks(s: hog.Scope) -> None:
        s += "question"
        with s.fork("a", "b", keep=()) as team:
            for worker in team:
                worker += hog.gen(max_tokens=4)
        s += "on: " + hog.gen("x", max_tokens=4)

    _, fork, after = forks.compile().regions
    assert fork.keep == ()
    assert (after.blocks, after.streams[0].view) == ((), ("main.0",))


def test_keep_names_the_streams_whose_blocks_stay():
    @hog.program
    def forks(s: hog.Scope) -> None:
        with s.fork("a", "b", "c", keep=["c", "a"]) as team:
            for worker in team:
                worker += hog.gen(max_tokens=4)
        with s.fork("d", keep="d") as team:
            team["d"] += hog.gen(max_tokens=4)
        s += hog.gen(max_tokens=4)

    *_, after = forks.compile().regions
    assert after.streams[0].view == ("fork.0.a", "fork.0.c", "fork.1.d", "main.2")


def test_a_value_of_the_scope_can_be_read_while_a_region_is_declared():
    @hog.program
    def plans(s: hog.Scope) -> None:
        s += hog.gen("plan")
        with s.fork("a") as team:
            team["a"] += s["plan"] + hog.gen(max_tokens=4)
        s += "done"

    names = [r.name for r in regions_run(plans, {"main": ["P"], "a": ["A"]}).regions]
    assert names == ["main.0", "fork.1", "main.2"]


def test_a_region_whose_block_raises_does_not_run_and_neither_does_what_came_before():
    @hog.program
    def breaks(s: hog.Scope) -> None:
        s += "question"
        try:
            with s.fork("a") as team:
                team["a"] += hog.gen(max_tokens=4)
                raise LookupError
        except LookupError:
            s += " again"

    (region,) = regions_run(breaks, {}).regions
    assert region.name == "main.0"
    assert region.streams[0].pieces == (Text(text="question again"),)


def test_a_faulty_region_does_not_run_and_neither_does_what_came_before():
    @hog.program
    def breaks(s: hog.Scope) -> None:
        s += hog.gen("x")
        try:
            with s.fork("a") as team:
                team["a"] += hog.gen()
        except hog.ProgramError:
            s += "no team"

    (region,) = regions_run(breaks, {"main": ["X"]}).regions
    assert region.streams[0].pieces == (Gen(name="x"), Text(text="no team"))


def test_functions_that_take_the_scope_can_be_shared_between_programs():
    def greet(s: hog.Scope, name: str) -> None:
        s += f"Hello {name}."

    @hog.program
    def greets(s: hog.Scope, *names: str) -> None:
        for name in names:
            greet(s, name)

    assert greets.compile("A", "B").regions[0].streams[0].pieces == (Text(text="Hello A.Hello B."),)
