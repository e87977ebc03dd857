"""What many programs at once bring: `python -m benchmarks.serving --programs 32 --seed 7`.

    load.py    the programs, and when they arrive
    clock.py   seconds of the process
    measure.py runs them, and what was measured

Two experiments on the embedded model:

*Throughput*: solo writers, pairs and talkers of `programs/`, which arrive at random, against the
same programs one after another.

*First word*: talkers behind a long text, among writers behind longer texts that fill the steps:
when the first token of a reply comes, with and without priorities.
"""
