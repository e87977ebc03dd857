"""The command line: `hogdsl run`, `replay`, `serve`, `explain` and `doctor`.

    cli        the commands and their options; nothing else
    loading    a program file, found, imported, and one program chosen from it
    arguments  `--set key=value`, turned into what the program's annotations say
    running    one run: events go from the stream to a view, the result comes last
    serving    a model for clients elsewhere
    lately     what a server is doing, not asked for every event
    replaying  recorded runs: written, played again, branched
    pacing     events held back for eyes that are slower than a model
    lanes      what has happened so far, one lane per stream; no drawing, no terminal
    drawing    lanes as rich renderables
    views      where events go: a live screen, plain lines, or JSON
    failures   errors as lines and exit codes
    doctor     what is installed here, and what is missing

A view learns everything from events. Text of a model is never taken for markup, and control
characters in it never reach the terminal.
"""
