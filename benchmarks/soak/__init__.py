"""Random runs that are cancelled, fail and are suspended: `python -m benchmarks.soak --minutes 5`.

drawn.py      programs, drawn at random
phases.py     what a run is doing at a moment
faults.py     a model that fails now and then
conductor.py  looks at all runs before every step, and says when one is to be cancelled
client.py     plays one run, and checks what it is told
soak.py       many of them at once in a small cache, and what must be true at the end
"""
