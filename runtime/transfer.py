"""From the host to the device without waiting for what the device is doing.

A plain copy to CUDA waits until all work before it is done. One from pinned memory only joins the
queue, so the host can prepare the end of a step while the device computes its beginning.
"""

import torch
from torch import Tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on the device; the given one where the device is the host."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
