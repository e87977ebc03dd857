"""What steps of streams that share their views cost on a GPU: `python -m benchmarks.gpu`.

    shapes.py     the models, with random weights made on the device
    device.py     what it is measured on, and how: a GPU, or a CPU for a dry run
    teams.py      streams of this engine that see one prompt and each other
    alone.py      the same number of sequences that share nothing: attention, and transformers
    measure.py    one figure per model, context and number of streams
    targets.py    what is to be reached, and whether it was
    __main__.py   the command line

and what it takes to run anything on a GPU machine (docs/gpu.md):

    kernels.py    FlashInfer's kernels that we use, compiled side by side
    toolkit.py    the environment that they are compiled in
    pack.py       packages for a machine that can install none
    run.sh        runs a module with all that

A dry run (`--dry`) goes the same way on a CPU with a tiny model and torch's attention. Its figures
mean nothing; it is for tests, and for a look at what comes out.

Written as JSON:

    rows      for each model, context and number of streams, in milliseconds: a step of ours from
              the host's call to the token on the host; of that the preparation of the views; a
              step of transformers with a cache per sequence; the limit, in which the weights and
              all different keys and values are read once at the bandwidth of a copy. In
              microseconds: attention per layer over shared views, and FlashInfer's own decode of
              as many private sequences of the same length, both as graphs
    targets   figures of these rows beside those to be reached; None: its rows were left out
    left_out  models and contexts that there was no time for
    device, torch, flashinfer, bandwidth_gb_s, seconds, dry
"""
