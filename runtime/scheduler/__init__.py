"""Which rows run in the next step, for all programs together, and what their results mean.

One stream:

    work.py        rows, results, and the protocols of the machine, its cache and its text
    turns.py       chat turns as the text of the model's template
    search.py      regular expressions in text that grows
    stops.py       stop texts and patterns across token borders
    record.py      the tokens chosen for one `gen`: counts, log-probabilities
    generation.py  one `gen`: its tokens, its text, its stops, its grammar
    written.py     what a stream has written: text, tokens, and how to take an end of it off
    steps.py       finished steps that move to a history
    pen.py         text goes into a stream and is told of
    life.py        the life of a stream, what it needs from its run
    agenda.py      what is written next: its pieces, one after another
    composer.py    what becomes of a token that was chosen for it
    taking_back.py the end of its text is taken back, and it goes on from there
    writer.py      one stream: its beginning, its bounds, its end

Its region:

    asks.py        questions, and streams that wait for the answers
    conditions.py  texts that match, streams that have ended
    holds.py       streams that are held until a condition holds
    inserts.py     texts that are put in again and again
    watches.py     what the program is told, and what stands still until it has answered
    listening.py   what comes in from outside, and whom it interrupts
    rules.py       all rules of a region together

A run:

    setup.py, setup_rules.py, refusals.py   the errors of plans that do not fit together
    opening.py     a region begins
    recipes.py     its `gen`s, with their tokens resolved for the model
    present.py     the region that runs now, and what each stream sees
    cached.py      what the radix cache has of its texts, and what it is offered
    rows.py        from its state to the rows of the next step
    prefill.py     long texts, in chunks before the step that they are part of
    turn.py        what one run does in a step
    course.py      between two steps: commands, who ends, who begins, when it is over
    holdings.py    the blocks that a run holds, and how they may grow
    accounts.py    what a run has used
    clock.py       its own time, and how much of it there is
    telling.py     its events, in one order
    journal.py     who wants to know all that a run depends on
    run.py         one run: its blocks, its region, its events

All runs:

    order.py       who goes first when a step has no room for all
    pressure.py    what happens when pages run out
    scheduler.py   the next step, its results, failures, cancellation

All of it is synchronous and has no clock, no thread and no torch. While a step is built, runs may
end, be suspended or be restored, but no stream goes on: a step whose forward pass failed can be
dropped and built again.
"""
