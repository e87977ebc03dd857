"""Where an engine runs and how many tokens its cache holds, when nobody says."""

import os

import torch

from hogdsl.errors import EngineError
from runtime.attention.cache import bytes_per_token
from runtime.model.config import ModelConfig

CPU_TOKENS_MOST = 65_536
CPU_MEMORY_SHARE = 0.25
CUDA_TOKENS_MOST = 1_048_576
CUDA_MEMORY_SHARE = 0.8


def default_cache_tokens(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> int:
    """Tokens of cache for a model that is already loaded.

    On a CPU a quarter of the machine's memory, at most 65,536 tokens; memory is taken as tokens
    come in. On CUDA 80 % of the memory that is free now, at most 1,048,576 tokens; it is taken at
    once.
    """
    if device.type == "cuda":
        n_bytes = torch.cuda.mem_get_info(device)[0] * CUDA_MEMORY_SHARE
        most = CUDA_TOKENS_MOST
    else:
        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * CPU_MEMORY_SHARE
        most = CPU_TOKENS_MOST
    return min(most, int(n_bytes) // bytes_per_token(config, dtype))


def find_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; by default CUDA if there is one, else the CPU.

    Raises:
        EngineError: there is no such device.
    """
    has_cuda = torch.cuda.is_available()
    if name is None:
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EngineError(f"There is no device {name!r}. Use 'cpu' or 'cuda'.") from error
    if device.type == "cuda" and not has_cuda:
        raise EngineError("Device 'cuda' was asked for, but torch finds no GPU. Use 'cpu'.")
    return device
