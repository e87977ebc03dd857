"""Whether FlashInfer can be used, and if not, why not."""

from importlib import import_module
from importlib.util import find_spec

import torch

from runtime.model.config import ModelConfig

HEAD_DIMS = (64, 128, 256)
DTYPES = (torch.float16, torch.bfloat16)
OLDEST = (0, 7)


def why_not(config: ModelConfig, dtype: torch.dtype, device: torch.device) -> str | None:
    """Why this model cannot run with FlashInfer here; None if it can.

    What is cheap is asked first; only if all else fits are FlashInfer and Triton imported.
    """
    if device.type != "cuda":
        return f"it needs a CUDA device, and the model is on {device}"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return f"it needs compute capability 8.0 or newer, not {torch.cuda.get_device_name(device)}"
    if dtype not in DTYPES:
        return f"it computes in float16 and bfloat16, and the model has {dtype}"
    if config.head_dim not in HEAD_DIMS:
        known = ", ".join(map(str, HEAD_DIMS))
        return (
            f"it has kernels for heads of {known} dimensions, and the model has {config.head_dim}"
        )
    return _missing()


def _missing() -> str | None:
    for package in ("flashinfer", "triton"):
        if find_spec(package) is None:
            return f"the package {package} is not installed. Install hogdsl[gpu]"
    try:
        version: str = import_module("flashinfer").__version__
        import_module("triton")
    except Exception as error:  # whatever such a package does when a part of CUDA is missing
        return f"it is installed and cannot be imported: {error}"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"FlashInfer {oldest} or newer is needed, and {version} is installed"
    return None
