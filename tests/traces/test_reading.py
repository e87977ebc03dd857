"""What is damaged, foreign or no trace is refused, with the line and the reason."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hogdsl.errors import TraceError
from hogdsl.plan import Gen
from runtime.traces.lines import Measured, StepLine, Told, encoded, step_said
from runtime.traces.reading import Trace, read_trace
from tests.scheduler.world import region, script, stream
from tests.traces.letters import header, record_one, rewritten


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A finished trace."""
    path = tmp_path_factory.mktemp("whole") / "run.trace"
    record_one(path, script(A="123456"), region(stream("A", Gen())))
    return path.read_bytes()


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(TraceError) as raised:
        read_trace(path)
    return str(raised.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="none: cannot be read: No such file"):
        read_trace(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b'{"kind":"trace","ver'])
def test_a_file_without_a_whole_line_has_nothing_to_repeat(tmp_path: Path, content: bytes) -> None:
    assert "has no whole line" in refusal(tmp_path / "t", content)


@pytest.mark.parametrize("content", [b"hello\n", b"[1]\n", b'{"kind":"step"}\n', b"\xff\xfe\n"])
def test_what_does_not_begin_as_a_trace_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t"
    assert refusal(path, content).startswith(f"{path}:1: a trace begins with a line of the kind")


def test_another_format_version_is_named_with_the_package_that_wrote_it(tmp_path: Path) -> None:
    written, _ = encoded(header(package="9.9"), 0)
    message = refusal(tmp_path / "t", written.replace(b'"version":1', b'"version":2'))
    assert "format version 2, and this package reads version 1" in message
    assert "'9.9'" in message


def test_a_line_that_was_changed_is_found(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "t"
    lines = whole.splitlines(keepends=True)
    lines[3] = lines[3].replace(b'["A",50]', b'["A",51]')
    assert lines[3] not in whole
    assert refusal(path, b"".join(lines)).startswith(f"{path}:4: damaged: the check sum")


@pytest.mark.parametrize("damage", ["lost", "doubled", "moved"])
def test_lines_that_are_not_in_their_place_are_found(
    tmp_path: Path, whole: bytes, damage: str
) -> None:
    path = tmp_path / "t"
    lines = whole.splitlines(keepends=True)
    match damage:
        case "lost":
            del lines[3]
        case "doubled":
            lines.insert(4, lines[3])
        case _:
            lines[3], lines[4] = lines[4], lines[3]
    line = 5 if damage == "doubled" else 4
    assert refusal(path, b"".join(lines)).startswith(f"{path}:{line}: damaged")


def test_a_line_without_check_sum_is_found(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "t"
    message = refusal(path, whole + b"{}\n")
    assert "damaged: the line does not end with its check sum" in message


def test_nothing_follows_the_end_of_a_run(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "t"
    path.write_bytes(whole)
    with pytest.raises(TraceError, match="the run is over in the line before"):
        rewritten(path, lambda lines: [*lines, lines[-1]])


@pytest.mark.parametrize(
    ("said", "field"), [('{"kind":"leap"}', "leap"), ('{"kind":"late","at_s":"x"}', "at_s")]
)
def test_a_line_of_an_unknown_kind_or_form_is_named(tmp_path: Path, said: str, field: str) -> None:
    import zlib

    path = tmp_path / "t"
    first, crc = encoded(header(), 0)
    crc = zlib.crc32(said.encode(), crc)
    message = refusal(path, first + f'{said[:-1]},"crc":"{crc:08x}"}}\n'.encode())
    assert message.startswith(f"{path}:2: no line of a trace")
    assert field in message


@given(
    at_s=st.floats(0, 1e9),
    results=st.lists(
        st.tuples(
            st.text(),
            st.integers(0, 10**6)
            | st.builds(
                Measured,
                token=st.integers(0, 99),
                logprob=st.floats(-90, 0),
                top=st.just(()) | st.tuples(st.tuples(st.integers(0, 99), st.floats(-90, 0))),
            )
            | st.tuples(st.tuples(st.floats(-90, 0))),
        ),
        max_size=4,
    ).map(tuple),
)
def test_a_step_that_is_put_together_by_hand_is_read_as_what_it_says(
    at_s: float, results: tuple[tuple[str, Told], ...]
) -> None:
    read = StepLine.model_validate_json(step_said(at_s, results))
    assert read == StepLine(at_s=at_s, results=results)


def test_odds_may_be_infinite() -> None:
    results = (("A", ((float("-inf"), -0.5),)),)
    assert StepLine.model_validate_json(step_said(0.5, results)).results == results


def is_prefix(part: Trace, of: Trace) -> bool:
    return part.header == of.header and part.lines == of.lines[: len(part.lines)]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_cut_trace_is_a_beginning_of_it_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(whole)
    all_of_it = read_trace(path)
    n_bytes = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:n_bytes])
    if b"\n" not in whole[:n_bytes]:
        with pytest.raises(TraceError):
            read_trace(path)
        return
    part = read_trace(path)
    assert is_prefix(part, all_of_it)
    assert part.n_bytes <= n_bytes < part.n_bytes + max(map(len, whole.splitlines())) + 1


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_trace_with_a_wrong_bit_is_refused_or_a_beginning_of_the_right_one(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(whole)
    right = read_trace(path)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        found = read_trace(path)
    except TraceError:
        return
    assert is_prefix(found, right)
    assert not found.is_finished
