"""Which rows run in the next step, for all programs together, and what their results mean.

    work.py       rows, results, and the protocols of the cache and the text
    turns.py      chat turns as the text of the model's template
    generation.py one `gen`: its tokens, its text, its stops
    writer.py     one stream: pieces, budgets, steps that are committed
    rules.py      asks, waits and untils of a region
    setup.py      the errors of plans that do not fit together
    present.py    the region that runs now: its blocks, texts and writers, what each stream sees
    rows.py       from its state to the rows of the next step
    run.py        one run: its blocks, its writers, its events
    scheduler.py  all runs: the next step, its results, failures, cancellation

All of it is synchronous and has no clock, no thread and no torch. A step is built without changing
anything, so a step whose forward pass failed can be dropped and built again.
"""
