"""What many programs at once bring: `python -m benchmarks.serving --programs 32 --seed 7`.

    load.py    the programs, and when they arrive
    measure.py runs them, and what was measured

Seconds are those that a user waits, so the machine must have nothing else to do. The processor
seconds of the process, all its threads together, are counted beside them. Programs are plain runs,
which nobody watches, but for talkers: somebody waits for their first word, so they are streamed.

Two experiments on the embedded model:

*Throughput*: solo writers, pairs and talkers of `programs/`, which arrive at random, against the
same programs one after another.

*First word*: talkers behind a long text, among writers behind longer texts that fill the steps:
when the first token of a reply comes, with and without priorities.
"""
