"""Seeds for independent purposes, derived from one seed."""

import numpy as np
import torch


def derive_seed(seed: int, *path: int) -> int:
    """A 63-bit seed for the purpose named by `path`; another path gives an independent seed.

    >>> derive_seed(0, 1) == derive_seed(0, 1), derive_seed(0, 1) == derive_seed(1, 0)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0] >> 1)


def generator(seed: int, *path: int) -> torch.Generator:
    """A CPU generator with the derived seed."""
    return torch.Generator().manual_seed(derive_seed(seed, *path))
