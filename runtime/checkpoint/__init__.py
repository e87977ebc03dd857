"""Checkpoints: Hugging Face folders read into models of ours.

    loader.py          config.json and safetensors -> Transformer, with all checks
    tensor_files.py    what is in the safetensors files, single or sharded
    random_weights.py  models without a checkpoint, for tests and benchmarks

The tokenizer and the chat template of a folder are read by `runtime.text`.
"""

from runtime.checkpoint.loader import load_transformer, read_config
from runtime.checkpoint.random_weights import random_transformer

__all__ = ["load_transformer", "random_transformer", "read_config"]
