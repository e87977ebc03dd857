"""Traces: all that is needed to repeat a run exactly, one JSON object a line.

    lines.py        what stands in a line
    recorder.py     writes them while the run goes on
    reading.py      reads them, and refuses what is damaged
    identity.py     which model it was
    player.py       plays the lines of a trace on a run
    replay.py       a whole recorded run once more
    session.py      a run that begins with a trace and goes on live
    echo.py         what a program says again when it is run again
    differences.py  where two regions differ
    recording.py    a runtime that records its run, or resumes it
    edits.py        where a recorded run is to go on otherwise
    edited_machine.py  a machine that chooses what an edit says
    fork.py         the run that comes of it
    door.py         what `hogdsl.traces` finds here

The scheduler has no clock and chooses nothing by itself, so a run follows from its header and from
what `runtime.scheduler.journal` tells: regions, commands, times, and the results of its rows. Its
events, texts, stops, rules and grammars stand in no trace; they follow.
"""
