"""A model that fails now and then, so that steps and restorations are broken off in the middle."""

from random import Random

import torch

from hogdsl.errors import CapacityError
from runtime.model.transformer import Attend, Transformer

FAULT = "the device failed"
"""What a fault says."""
STORM_PASSES = 4
"""Passes in which a device that has failed may fail again."""


class Fault(RuntimeError):
    """What the model raises here."""


class Faults:
    """Puts faults into a transformer.

    Attributes:
        n_raised: how often it failed.
    """

    def __init__(self, transformer: Transformer, rng: Random, rate: float) -> None:
        """
        Args:
            transformer: from now on it fails now and then, after all layers.
            rng: decides when.
            rate: passes out of one with which a storm begins. In a storm each pass fails or not
                with the same odds, so that some runs fail alone and others get through.
        """
        self.n_raised = 0
        self._rng, self._rate = rng, rate
        self._n_storm = 0
        self._whole = transformer.hidden
        transformer.hidden = self._hidden

    def _hidden(self, tokens: torch.Tensor, attend: Attend) -> torch.Tensor:
        hidden = self._whole(tokens, attend)
        if self._rng.random() < self._rate:
            self._n_storm = STORM_PASSES
        if self._n_storm:
            self._n_storm -= 1
            if self._rng.random() < 0.5:
                self.n_raised += 1
                raise self._rng.choice([Fault(FAULT), CapacityError("no room")])
        return hidden
