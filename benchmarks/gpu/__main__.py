"""The command line: see `benchmarks.gpu`."""

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.gpu.device import Device, DryCpu, Gpu, bandwidth, versions
from benchmarks.gpu.measure import Figures, measure_shape
from benchmarks.gpu.shapes import DRY, WHOLE, Plan
from benchmarks.gpu.targets import compare


def measure(plan: Plan, device: Device) -> dict[str, Any]:
    """All figures, as they are written."""
    begin = perf_counter()
    bytes_per_s = bandwidth(device)
    rows: list[Figures] = []
    left_out: list[str] = []

    def has_time() -> bool:
        return perf_counter() - begin < plan.limit_s

    console = Console(stderr=True)
    for name in plan.shapes:
        if not has_time():
            left_out.append(name)
            continue
        for found in measure_shape(name, plan, device, bytes_per_s, has_time):
            if isinstance(found, str):
                left_out.append(found)
                continue
            rows.append(found)
            what = f"{name}, {found.context} tokens, {found.streams} streams"
            console.print(f"{what}: {found.step_ms:.2f} ms a step")
    return {
        "rows": [row.as_dict() for row in rows],
        "targets": compare(rows),
        "left_out": left_out,
        "device": device.name,
        **versions(),
        "bandwidth_gb_s": bytes_per_s / 1e9,
        "seconds": perf_counter() - begin,
        "dry": isinstance(device, DryCpu),
    }


def show(figures: dict[str, Any]) -> None:
    """Tables for people."""
    console = Console()
    for name in ("rows", "targets"):
        table = Table(*figures[name][0])
        for row in figures[name]:
            cells = (f"{x:.4g}" if isinstance(x, float) else str(x) for x in row.values())
            table.add_row(*cells)
        console.print(table)
    console.print({key: figures[key] for key in figures if key not in ("rows", "targets")})


def main(
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")
    ] = None,
    dry: Annotated[bool, typer.Option(help="On a CPU, with a tiny model.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Measure steps of streams that share their views, on a GPU."""
    if not dry and not torch.cuda.is_available():
        raise typer.BadParameter("torch finds no CUDA device. Without one there is --dry.")
    plan = DRY if dry else WHOLE
    known = ", ".join(plan.shapes)
    for name in models or ():
        if name not in plan.shapes:
            raise typer.BadParameter(f"There is no model {name!r}. Known are {known}.")
    if models:
        plan = replace(plan, shapes={name: plan.shapes[name] for name in models})
    figures = measure(plan, DryCpu() if dry else Gpu())
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)


if __name__ == "__main__":
    typer.run(main)
