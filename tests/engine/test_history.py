"""Logs: what was seen, whatever became of the blocks. Plain data, no model."""

import pytest

from runtime.history import Log, Written, needed_for


def write(log: Log, tokens: str, *seen: Log | tuple[Log, int], step: int = 0) -> Written:
    """Add a run that saw some logs as long as they are now, or to a given length."""
    view = [(item, item.n_tokens) if isinstance(item, Log) else item for item in seen]
    ids = [ord(token) for token in tokens]
    logs, lengths = tuple(log for log, _ in view), tuple(n for _, n in view)
    log.write(ids, (*logs, log), (*lengths, log.n_tokens + len(ids)), step)
    return runs(log)[-1]


def runs(log: Log) -> list[Written]:
    return [part.written for part in log.parts(0, log.n_tokens)]


def text(log: Log) -> str:
    """The tokens of a log, run by run."""
    parts = log.parts(0, log.n_tokens)
    return "|".join("".join(map(chr, run.tokens[:n])) for run, _, n in parts)


def test_a_log_tells_of_each_run_what_it_saw() -> None:
    prompt, a = Log(), Log()
    write(prompt, "hello")
    run = write(a, "xy", (prompt, 3), step=7)
    assert run.view(2) == [(prompt, 3), (a, 2)]
    assert run.view(1) == [(prompt, 3), (a, 1)]
    assert (run.step, repr(a)) == (7, "<Log 2 tokens in 1 runs>")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 6, [("ab", 0, 2), ("c", 2, 1), ("def", 3, 3)]),
        (0, 0, []),
        (6, 6, []),
        (1, 2, [("ab", 0, 2)]),
        (2, 4, [("c", 2, 1), ("def", 3, 1)]),
        (4, 5, [("def", 3, 2)]),
    ],
)
def test_parts_are_the_runs_that_have_tokens_in_a_range(
    start: int, end: int, expected: list[tuple[str, int, int]]
) -> None:
    log = Log()
    for tokens in ("ab", "c", "def"):
        write(log, tokens)
    found = [("".join(map(chr, run.tokens)), at, n) for run, at, n in log.parts(start, end)]
    assert found == expected


def test_rows_that_see_the_same_blocks_again_share_one_tuple() -> None:
    prompt, a = Log(), Log()
    first, second = write(a, "x", prompt), write(a, "y", prompt)
    assert first.logs is second.logs
    assert (first.lengths, second.lengths) == ((0, 1), (0, 2))


def test_a_cropped_log_is_another_one_and_the_old_stays_as_it_was_seen() -> None:
    old = Log()
    for tokens in ("ab", "cde", "f"):
        write(old, tokens)
    new = old.first(3)
    write(new, "z")
    assert (text(old), text(new)) == ("ab|cde|f", "ab|c|z")
    assert runs(old)[:2] == runs(new)[:2]
    assert new.first(0).n_tokens == 0


def test_a_log_that_is_added_to_another_keeps_its_runs() -> None:
    history, a = Log(), Log()
    write(history, "ab")
    run = write(a, "c", history)
    later = write(a, "d", history)
    history.extend(a.first(2))
    assert text(history) == "ab|c|d"
    assert runs(history)[1:] == [run, later]
    assert [part.start for part in history.parts(0, 4)] == [0, 2, 3]


def test_what_is_needed_is_what_was_seen_and_what_that_had_seen() -> None:
    prompt, a, b, stranger = Log(), Log(), Log(), Log()
    first = write(prompt, "hello")
    write(stranger, "?")
    seen = write(a, "xyz", (prompt, 2))
    own = write(b, "w", (a, 1))
    needed = needed_for([b], {})
    assert needed.logs == {b: 1, a: 1, prompt: 2}
    assert needed.runs == {own: 1, seen: 1, first: 2}


def test_what_is_at_hand_is_read_and_what_it_had_seen_is_not_asked_for() -> None:
    prompt, a, b = Log(), Log(), Log()
    write(prompt, "hello")
    seen = write(a, "x", prompt)
    own = write(b, "w", a)
    needed = needed_for([b], {seen: 1})
    assert (needed.logs, needed.runs) == ({b: 1, a: 1}, {own: 1})


def test_of_a_run_that_is_at_hand_in_part_all_is_needed_that_the_rest_saw() -> None:
    prompt, a, b = Log(), Log(), Log()
    first = write(prompt, "hi")
    seen = write(a, "xyz", prompt)
    own = write(b, "w", a)
    needed = needed_for([b], {seen: 2})
    assert needed.runs == {own: 1, seen: 3, first: 2}


def test_streams_that_saw_each_other_need_each_other_to_the_length_of_that_time() -> None:
    a, b = Log(), Log()
    for step in range(5):
        n = step + 1
        a.write([step], (b, a), (n, n), step)
        b.write([step], (a, b), (n, n), step)
    needed = needed_for([a.first(3)], {})
    assert needed.runs == {run: 1 for log in (a, b) for run in runs(log)[:3]}
