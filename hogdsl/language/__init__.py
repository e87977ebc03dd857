"""The language: what a program is written with, and how it is traced and run.

What is written
    pieces      text, chat turns, messages          schemas     types of values as JSON schemas
    gens        gen and select, their settings      later       values that are still to come
    tools       functions that a stream may call

Where it is written
    scope       the sequential code of a program; opens regions
    regions     what fork and concurrent have in common: declare, check, run
    team, now   the regions that `fork` and `concurrent` open; workers
    handles     what all streams of a region have in common
    writer      streams that the model writes
    streams     those that think or speak           listeners   those that come from outside
    views       what a stream is said to see        layouts     how the workers of a fork see each
    conditions  when a region or a hold ends                    other
    callbacks   functions that are called back      layout_views  the views that a layout gives

From declaring to running
    draft       a region while it is declared, as its streams see it
    trace       the one way from declared regions through the compiler to a driver
    driver      what a trace needs of whatever runs it; the driver that only compiles
    bindings    the program's own objects in a region, which no plan can carry
    source      where in the user's program we are  parts       names of the parts of a stream

Running
    program     `@program`: call, run, stream, batch, compile, explain
    conversation  a scope outside of a function
    runner      the driver that runs plans on a runtime
    results     what the runner has heard           run_stream  a run in a thread, as events
    batch       many runs at once                   defaults    which runtime is meant
    channel     text from outside: with inbox, line, sources, attending
    speaker     how far what is said was delivered
    live, match what callbacks are given            answering   calls them
    cancelling  who cancels what

A program's function is run once, in order. Regions are declared in `with` blocks; at the end of a
block the region is checked, lowered and run. Text and `gen` of the scope collect until a value is
read, a region runs or the program ends, and then run as a region of the one stream `main`.
"""
