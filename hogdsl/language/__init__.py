"""The language: what a program is written with, and how it is traced and run.

    pieces      what is written: text, chat turns, gen, select
    layouts     how the workers of a fork see each other
    conditions  when a region ends early
    scope       the sequential code of a program; opens regions
    regions     what fork and concurrent have in common: declare, check, run
    team, now   the regions that `fork` and `concurrent` open
    handles     what all streams of a region have in common: write, then read
    streams     streams that think or speak: views, questions, waits
    draft       a region while it is declared, as its streams see it
    trace       the one way from declared regions through the compiler to a driver
    driver      what a trace needs of whatever runs it; the driver that only compiles
    runner      the driver that runs plans on a runtime
    results     what the runner has heard
    run_stream  a run in a thread, as an iterator of events
    program     `@program`: call, run, stream, compile, explain
    defaults    which runtime is meant when none is named
    source      where in the user's program we are

A program's function is run once, in order. Regions are declared in `with` blocks; at the end of a
block the region is checked, lowered and run. Text and `gen` of the scope collect until a value is
read, a region runs or the program ends, and then run as a region of the one stream `main`.
"""
