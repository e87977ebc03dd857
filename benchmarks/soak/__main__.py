"""The soak as a command; it fails if anything is wrong."""

import faulthandler
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.soak.soak import Report, soak

PATIENCE_S = 120.0
"""Behind the time that was asked for: then somebody waits for ever."""


def main(
    minutes: Annotated[float, typer.Option(help="How long runs are begun.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the summary here.")
    ] = None,
) -> None:
    """Random runs that are cancelled, fail and are suspended; nothing of them may stay behind."""
    faulthandler.dump_traceback_later(60 * minutes + PATIENCE_S, exit=True)
    with Console(stderr=True).status("beginning") as status:
        report = soak(
            seed, seconds=60 * minutes, tell=lambda n, state: status.update(f"{n} over, {state}")
        )
    faulthandler.cancel_dump_traceback_later()
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(report), indent=2) + "\n")
    Console().print(table_of(report))
    for problem in report.problems:
        Console().print(f"[red]{problem}[/red]")
    raise typer.Exit(1 if report.problems else 0)


def table_of(report: Report) -> Table:
    """The summary for a reader."""
    table = Table(title=f"{report.runs} runs in {report.seconds:.0f} s", show_header=False)
    for name, figures in [
        ("programs", report.kinds),
        ("ended", report.ends),
        ("cancelled in", report.cancelled),
    ]:
        for key, n in sorted(figures.items(), key=lambda item: -item[1]):
            table.add_row(f"{name} {key}", str(n))
    table.add_section()
    for name in ("n_steps", "n_faults", "n_suspensions", "n_cached_tokens"):
        table.add_row(name[2:].replace("_", " "), str(getattr(report, name)))
    table.add_row(
        "pages, most and left",
        f"{report.n_pages_most} and {report.n_pages_left} of {report.n_pages_total}",
    )
    table.add_row("problems", str(len(report.problems)))
    return table


if __name__ == "__main__":
    typer.run(main)
