"""The language: what a program is written with, and how it is traced and run.

What is written
    pieces        text, chat turns, messages
    gens          gen and select, and what holds them
    schemas       types of values, as JSON schemas and back
    later         values that are still to come
    tools         functions that a stream may call; tool_calls: from text to a call and back

Where it is written
    scope         the sequential code of a program; opens regions
    regions       what fork and concurrent have in common: declare, check, run
    team, now     the regions that `fork` and `concurrent` open, and their workers
    handles       what all streams of a region have in common
    writer        streams that the model writes; streams: those of them that think or speak
    listeners     streams that come from outside
    views         what a stream is said to see
    layouts       how the workers of a fork see each other; layout_views: as data
    conditions    when a region or a hold ends
    callbacks     functions that are called back

From declaring to running
    draft         a region while it is declared, as its streams see it
    trace         the one way from declared regions through the compiler to a driver
    driver        what a trace needs of whatever runs it; the driver that only compiles
    bindings      the program's own objects in a region, which no plan can carry
    source        where in the user's program we are
    parts         names of the parts of a stream

Running
    program       `@program`: call, run, stream, batch, compile, explain
    conversation  a scope outside of a function
    runner        the driver that runs plans on a runtime; results: what it has heard
    run_stream    a run in a thread, as events
    batch         many runs at once
    defaults      which runtime is meant when none is named
    cancelling    who is cancelled with whom
    channel       text from outside: with inbox, sources, from_async, bell, line, attending
    speaker       how far what is said was delivered
    live, match   what callbacks are given; answering: calls them

A program's function is run once, in order. Regions are declared in `with` blocks; at the end of a
block the region is checked, lowered and run. Text and `gen` of the scope collect until a value is
read, a region runs or the program ends, and then run as a region of the one stream `main`.
"""
