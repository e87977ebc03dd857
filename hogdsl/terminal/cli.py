"""The commands and their options; nothing else."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hogdsl.errors import HogError
from hogdsl.remote import connect
from hogdsl.terminal import doctor as health
from hogdsl.terminal import serving
from hogdsl.terminal.arguments import bind, parse_settings, signature_of
from hogdsl.terminal.failures import FAILED, UsageError, reported
from hogdsl.terminal.loading import load
from hogdsl.terminal.replaying import announce, parse_place, play_again, play_fork, recording
from hogdsl.terminal.running import play, start, view_for
from hogdsl.traces import traces

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Programs in which several streams of one language model write at the same time.",
)

File = Annotated[Path, typer.Argument(help="A Python file with a @hog.program.")]
ProgramName = Annotated[
    str | None, typer.Option("--program", metavar="NAME", help="Which of the file's programs.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An argument of the program; repeatable."),
]

Model = Annotated[
    str, typer.Option(metavar="FOLDER", help="A Hugging Face checkpoint, or the built-in one.")
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")]
Dtype = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")]
Weights = Annotated[
    str | None, typer.Option(help="float16 or int8: matrices in fewer bits, faster on a cpu.")
]
Pace = Annotated[
    float | None,
    typer.Option(min=0.1, help="On a terminal: show at most this many steps a second."),
]
Events = Annotated[
    bool, typer.Option("--events", help="Print the events as JSON lines and nothing else.")
]
BUILT_IN = "piglet"


@app.command()
def run(
    file: File,
    program: ProgramName = None,
    settings: Settings = None,
    model: Model = BUILT_IN,
    device: Device = None,
    dtype: Dtype = None,
    weights: Weights = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="URL", help="Run it on a server (`hogdsl serve`).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of sampling; greedy programs need none.")] = 0,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Bounds every stream without a smaller budget.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="The whole run is cancelled after so long.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(metavar="NAME", help="Texts are found in the cache only within one.")
    ] = "",
    pace: Pace = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a trace; one that was cut off is gone on with."),
    ] = None,
    events: Events = False,
) -> None:
    """Run a program and watch its streams."""
    console, errors = Console(), Console(stderr=True)
    with reported(errors):
        chosen = load(file, program)
        given = parse_settings(settings or ())
        arguments = bind(chosen.name, signature_of(chosen), given)
        if record is not None and on is not None:
            raise UsageError("--record writes what runs here; a run --on a server is not recorded")
        if record is not None:
            announce(record, errors)
        if on is None:
            runtime = start(errors, model=model, device=device, dtype=dtype, weights=weights)
        elif (model, device, dtype, weights) == (BUILT_IN, None, None, None):
            runtime = connect(on)
        else:
            raise UsageError(
                "--on names a server, which has its --model, --device, --dtype and --weights"
            )
        try:
            place = runtime
            if record is not None:
                place = recording(runtime, record, file, chosen.name, given)
            bound = chosen.on(
                place, seed=seed, max_tokens=max_tokens, max_seconds=max_seconds, tenant=tenant
            )
            live = console.is_terminal and not events
            view_of = view_for(console, events=events)
            play(bound, arguments, view_of, pace=pace if live else None, far=on is not None)
        finally:
            runtime.close()


@app.command()
def serve(
    model: Model = BUILT_IN,
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8642,
    device: Device = None,
    dtype: Dtype = None,
    weights: Weights = None,
    max_sessions: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 64,
    max_message_bytes: Annotated[
        int, typer.Option(min=1024, help="The longest message that a client may send.")
    ] = 16 << 20,
) -> None:
    """Serve a model to programs elsewhere, until Ctrl-C."""
    errors = Console(stderr=True)
    with reported(errors):
        runtime = start(errors, model=model, device=device, dtype=dtype, weights=weights)
        try:
            serving.serve(
                runtime,
                Console(),
                host=host,
                port=port,
                max_sessions=max_sessions,
                max_message_bytes=max_message_bytes,
            )
        finally:
            runtime.close()


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A trace that `hogdsl run --record` has written.")],
    fork_at: Annotated[
        str | None,
        typer.Option(metavar="STREAM:N", help="Go on otherwise from the stream's token N, from 0."),
    ] = None,
    edit: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is written there instead.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Where that token is, if the stream is in several regions.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="The model's folder, if it is not where it was."),
    ] = None,
    any_model: Annotated[
        bool,
        typer.Option("--any-model", help="Play it on another model, up to where that differs."),
    ] = False,
    device: Device = None,
    dtype: Dtype = None,
    weights: Weights = None,
    pace: Pace = None,
    events: Events = False,
) -> None:
    """Play a recorded run again, step by step the same; or branch it."""
    console, errors = Console(), Console(stderr=True)
    with reported(errors):
        if (fork_at is None) != (edit is None):
            raise UsageError("--fork-at and --edit go together: where, and what instead")
        place = None if fork_at is None else parse_place(fork_at)
        trace = traces().read_trace(file)
        name = model or trace.header.model_name
        runtime = start(errors, model=name, device=device, dtype=dtype, weights=weights)
        pace = pace if console.is_terminal and not events else None
        view_of = view_for(console, events=events)
        try:
            if place is None or edit is None:
                again = traces().replay(trace, runtime, any_model=any_model)
                play_again(again, trace, view_of, errors if events else console, pace=pace)
            else:
                stream, at = place
                fork = traces().fork(trace, runtime, stream=stream, at=at, text=edit, region=region)
                with closing(fork.runtime):
                    play_fork(fork, trace, view_of, pace=pace)
        finally:
            runtime.close()


@app.command()
def explain(
    file: File,
    program: ProgramName = None,
    settings: Settings = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, metavar="TOKENS", help="Check budgets against a model's context."),
    ] = None,
) -> None:
    """Print each stream's view and rules, without a model."""
    with reported(Console(stderr=True)):
        chosen = load(file, program)
        given = parse_settings(settings or ())
        arguments = bind(chosen.name, signature_of(chosen), given, sketch=True)
        made_up = [key for key in arguments if key not in given]
        try:
            text = chosen.on(context_length=context).explain(**arguments)
        except HogError:
            raise
        except Exception as error:
            if not made_up:
                raise
            wanted = " ".join(f"--set {key}=..." for key in made_up)
            raise UsageError(
                f"the program needs a real value to be explained: {wanted}"
                f" ({type(error).__name__}: {error})"
            ) from error
        typer.echo(text)


@app.command()
def doctor() -> None:
    """Say what is installed here, what is missing, and how to get it."""
    findings = health.examine()
    Console().print(health.table(findings))
    if not health.fit_to_run(findings):
        raise typer.Exit(FAILED)


def main() -> None:
    """What the console script calls."""
    app()
