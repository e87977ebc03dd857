"""The lines of a trace, and how they stand in the file.

Every line is a JSON object that says its `kind` first and ends with `crc`, the CRC-32 of all that
was written before it in the file, check sums aside. So a line that was changed, lost, doubled or
moved is found, and where. Times are seconds since the run was opened, by its own clock.
"""

import json
import zlib
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hogdsl.commands import Command
from hogdsl.plan import Region, Wire
from hogdsl.traces import ProgramCall
from runtime.scheduler.journal import ErrorName

TRACE_VERSION = 1


class ModelIdentity(Wire):
    """Which model it is. Traces are repeated where both hashes are the same."""

    name: str
    """For people."""
    weights: str
    """SHA-256 of the config and of all tensors."""
    text: str
    """SHA-256 of the tokenizer, the chat template and the end tokens."""


class Header(Wire):
    """The first line: what the run was opened with."""

    kind: Literal["trace"] = "trace"
    version: Literal[1] = TRACE_VERSION
    package: str
    """Version of the package that wrote it."""
    plan_version: int
    model: ModelIdentity
    seed: int
    max_tokens: int | None = None
    max_seconds: float | None = None
    tenant: str = ""
    program: ProgramCall | None = None

    @property
    def model_name(self) -> str:
        """Of the model, for people."""
        return self.model.name


class RegionLine(Wire):
    """A region began."""

    kind: Literal["region"] = "region"
    at_s: float
    region: Region


class ToldLine(Wire):
    """What the program said took effect."""

    kind: Literal["told"] = "told"
    at_s: float
    command: Command


class LateLine(Wire):
    """A deadline, or the context's length, ended something although no step was made."""

    kind: Literal["late"] = "late"
    at_s: float


Odds = tuple[tuple[float, ...], ...]
"""Log-probabilities, as `runtime.scheduler.work.Logprobs` wants them."""


class Measured(Wire):
    """A token of a `gen` that tells log-probabilities; see `runtime.scheduler.work.Chosen`."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


Told = int | Measured | Odds
"""A token, a token with log-probabilities, or log-probabilities alone."""


def token_of(told: Told) -> int | None:
    """The token that was chosen, if one was."""
    match told:
        case int():
            return told
        case Measured():
            return told.token
        case _:
            return None


class StepLine(Wire):
    """A forward pass, and what was chosen or measured in it, in the order of its rows."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    kind: Literal["step"] = "step"
    at_s: float
    results: tuple[tuple[str, Told], ...]
    """For each row that wanted something: its stream, and the token or the log-probabilities."""


class SuspendedLine(Wire):
    """The run gave its pages to others."""

    kind: Literal["suspended"] = "suspended"


class RestoredLine(Wire):
    """It has them again."""

    kind: Literal["restored"] = "restored"


class FailedLine(Wire):
    """The last line of a run that failed or was cancelled."""

    kind: Literal["failed"] = "failed"
    error: ErrorName
    message: str


class FinishedLine(Wire):
    """The last line of a run of which all regions were joined."""

    kind: Literal["finished"] = "finished"


Line = Annotated[
    RegionLine
    | ToldLine
    | LateLine
    | StepLine
    | SuspendedLine
    | RestoredLine
    | FailedLine
    | FinishedLine,
    Field(discriminator="kind"),
]


def encoded(line: Header | Line, crc: int) -> tuple[bytes, int]:
    """A line as it stands in the file.

    Args:
        line: what it says.
        crc: of the line before it; 0 for the first.

    Returns:
        Its bytes with the line break, and its own check sum.
    """
    return framed(line.model_dump_json().encode(), crc)


def framed(said: bytes, crc: int) -> tuple[bytes, int]:
    """A line as it stands in the file; see `encoded`."""
    crc = zlib.crc32(said, crc)
    return b'%b,"crc":"%08x"}\n' % (said[:-1], crc), crc


def step_said(at_s: float, results: tuple[tuple[str, Told], ...]) -> bytes:
    """What a `StepLine` says, put together by hand: it is needed in every step, and by way of a
    model it takes several times as long."""
    told = (f"[{_quoted(stream)},{_number(result)}]" for stream, result in results)
    return f'{{"kind":"step","at_s":{at_s!r},"results":[{",".join(told)}]}}'.encode()


@lru_cache(maxsize=1024)
def _quoted(stream: str) -> str:
    return json.dumps(stream)


def _number(result: Told) -> str:
    match result:
        case int():
            return str(result)
        case Measured():
            return result.model_dump_json()
        case _:
            return json.dumps(result)
