"""Whether the compiled attention can be used, and if not, why not."""

import torch

from hogdsl.errors import EngineError
from runtime.model.config import ModelConfig
from runtime.native import load_library

HEAD_DIM_MOST = 512
"""As in `runtime/native/plan.h`."""


def why_not(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> str | None:
    """Why this model cannot run with it here; None if it can.

    What is cheap is asked first; only if all else fits is the code compiled.
    """
    if device.type != "cpu":
        return f"it computes on a CPU, and the model is on {device}"
    if dtype != torch.float32:
        return f"it computes in float32, and the model has {dtype}"
    if config.head_dim > HEAD_DIM_MOST:
        return (
            f"it has room for heads of {HEAD_DIM_MOST} numbers, and the model's {config.head_dim}"
        )
    try:
        load_library()
    except EngineError as error:
        return str(error).removesuffix(".")
    return None
