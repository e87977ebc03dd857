"""Reads a trace, and refuses what is damaged or none."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from hogdsl.errors import TraceError
from runtime.traces.lines import TRACE_VERSION, FailedLine, FinishedLine, Header, Line, StepLine

_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')
_LINE = TypeAdapter[Line](Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a file says of a run.

    Attributes:
        path: of the file.
        lines: all behind the header.
        n_bytes: of all whole lines; what stands behind them was being written when it ended.
        crc: of the last whole line.
    """

    path: Path
    header: Header
    lines: tuple[Line, ...]
    n_bytes: int
    crc: int

    @property
    def is_finished(self) -> bool:
        """The run is over. Otherwise its process has ended before it."""
        return bool(self.lines) and isinstance(self.lines[-1], FailedLine | FinishedLine)

    @property
    def n_steps(self) -> int:
        return sum(isinstance(line, StepLine) for line in self.lines)

    def where(self, index: int) -> str:
        """The place of `lines[index]` for messages, as editors understand it."""
        return place(self.path, index + 2)


def place(path: Path, number: int) -> str:
    """A line of a file, counted from 1."""
    return f"{path}:{number}"


def read_trace(path: Path | str) -> Trace:
    """The trace in a file. A last line without its end is left out: the process that wrote it has
    ended there.

    Raises:
        TraceError: there is no such file, it is no trace or one of another version, or a line is
            damaged; with the line.
    """
    path = Path(path)
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}.") from error
    if not whole:
        raise TraceError(
            f"{path}: has no whole line, and a trace begins with one that says what was run. "
            "There is nothing in it that could be repeated; remove it."
        )
    raw = whole.split(b"\n")
    header, crc = _header(path, raw[0])
    lines: list[Line] = []
    for number, line in enumerate(raw[1:], start=2):
        said, crc = _checked(line, crc, place(path, number))
        lines.append(_parsed(said, place(path, number)))
    _check_order(path, lines)
    return Trace(path=path, header=header, lines=tuple(lines), n_bytes=len(whole) + 1, crc=crc)


def _header(path: Path, raw: bytes) -> tuple[Header, int]:
    where = place(path, 1)
    try:
        fields: Any = from_json(raw)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or fields.get("kind") != "trace":
        raise TraceError(f"{where}: a trace begins with a line of the kind 'trace'; this is none.")
    if fields.get("version") != TRACE_VERSION:
        raise TraceError(
            f"{where}: a trace of format version {fields.get('version')!r}, and this package reads "
            f"version {TRACE_VERSION}. Use the package that wrote it: {fields.get('package')!r}."
        )
    said, crc = _checked(raw, 0, where)
    try:
        return Header.model_validate_json(said), crc
    except ValidationError as error:
        raise _unknown(where, error) from error


def _checked(raw: bytes, crc: int, where: str) -> tuple[bytes, int]:
    """What a line says, without its check sum, and the check sum."""
    match = _CRC.search(raw)
    if match is None:
        raise TraceError(f"{where}: damaged: the line does not end with its check sum.")
    said = raw[: match.start()] + b"}"
    crc = zlib.crc32(said, crc)
    if int(match[1], 16) != crc:
        raise TraceError(
            f"{where}: damaged: the check sum is {match[1].decode()}, and that of what stands up "
            f"to here is {crc:08x}. The line was changed, or lines before it were lost, doubled or "
            "moved."
        )
    return said, crc


def _parsed(said: bytes, where: str) -> Line:
    try:
        return _LINE.validate_json(said)
    except ValidationError as error:
        raise _unknown(where, error) from error


def _unknown(where: str, error: ValidationError) -> TraceError:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the line"
    return TraceError(f"{where}: no line of a trace: {field}: {first['msg']}.")


def _check_order(path: Path, lines: Sequence[Line]) -> None:
    for index, line in enumerate(lines[:-1]):
        if isinstance(line, FailedLine | FinishedLine):
            raise TraceError(
                f"{place(path, index + 3)}: the run is over in the line before, and nothing "
                "can follow."
            )
