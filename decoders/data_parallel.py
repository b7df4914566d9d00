"""One fit in several processes: whose rows are whose, what all agree on, and who may write.

torchrun starts the processes, `joined` connects them, and DistributedDataParallel averages their gradients; what is
here is what a fit needs beside that. Without a process group there is one process, and nothing here does anything.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from decoders.errors import FitError, PartnerError

# How long a process waits for one that says nothing: longer than anything that one does while the others wait (the
# activations of a data set, a state on a slow disk). A process that has ended is noticed at once, by its connection.
TIMEOUT = timedelta(minutes=30)
# What torchrun tells each process; without the first there is one process.
VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class Ranks:
    """The processes of one fit and which of them this is; every one of them must call the same methods in turn."""

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> "Ranks":
        """The process group that is joined; one process where none is."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files, draws bars and speaks."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there is anyone to agree with."""
        return self.count > 1

    def share(self, rows: NDArray[Kind]) -> NDArray[Kind]:
        """This process' rows: consecutive, no two processes' counts further apart than one.

        >>> [Ranks(rank, 3).share(np.arange(7)).tolist() for rank in range(3)]
        [[0, 1, 2], [3, 4], [5, 6]]
        """
        return np.array_split(rows, self.count)[self.rank]

    def weight(self, mine: int, all_rows: int) -> float:
        """What the mean over `mine` rows must be multiplied by, for the processes' mean to be the mean of all rows.

        >>> Ranks(0, 3).weight(3, 7), Ranks().weight(7, 7)
        (1.2857142857142858, 1.0)
        """
        return self.count * mine / all_rows

    def wrapped(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module, its gradients averaged over the processes as they are computed."""
        if not self.several:
            return module
        with warnings.catch_warnings():
            # broadcast_buffers has another name in PyTorch 2.13, which the older ones do not know.
            warnings.simplefilter("ignore", FutureWarning)
            return DistributedDataParallel(
                module,
                device_ids=[device] if device.type == "cuda" else None,
                broadcast_buffers=False,  # they are set once, before the first step
                gradient_as_bucket_view=True,  # one copy of the gradients, not two
            )

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the processes, the same bits in all of them; not finite where one of them is not."""
        if not self.several:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.count

    def joint(self, mine: NDArray[np.float64], count: int, device: torch.device) -> NDArray[np.float64]:
        """The `count` values of which this process has computed its `share`, in their order."""
        if not self.several:
            return mine
        values = torch.zeros(count, dtype=torch.float64, device=device)
        places = torch.as_tensor(self.share(np.arange(count)), device=device)
        values[places] = torch.as_tensor(mine, device=device)
        distributed.all_reduce(values)
        joint: NDArray[np.float64] = values.cpu().numpy()
        return joint

    @torch.no_grad()
    def copy_from_first(self, module: nn.Module) -> None:
        """The first process' weights and buffers: equal computations need not agree bit for bit on two GPUs."""
        if self.several:
            for tensor in (*module.parameters(), *module.buffers()):
                distributed.broadcast(tensor.detach(), src=0)

    def from_first(self, value: Value) -> Value:
        """The first process' value: a decision that all must make alike (is this file there?)."""
        if not self.several:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def agree(self, value: object) -> bool:
        """Whether the value is equal in all processes; every one of them gets the same answer."""
        if not self.several:
            return True
        values: list[object] = [None] * self.count
        distributed.all_gather_object(values, value)
        return all(other == values[0] for other in values)

    def wait(self) -> None:
        """Until every process is here."""
        if self.several:
            distributed.barrier()

    @contextmanager
    def warning_once(self) -> Iterator[None]:
        """What all find alike is said by the first process alone."""
        with warnings.catch_warnings():
            if not self.first:
                warnings.simplefilter("ignore")
            yield


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """The process group that torchrun's variables describe, for as long as the block runs: NCCL on GPUs, else Gloo.

    One process, with or without torchrun, joins nothing. After an error the group is left as it is: to take it down
    needs the others, who may be waiting elsewhere. They notice when this process ends.

    Raises:
        PartnerError: another process has ended.
        FitError: the variables are incomplete.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Ranks()
        return
    _demand_variables()
    try:
        _join(device)
        yield Ranks.current()
    except RuntimeError as error:
        if not _says_that_another_ended(error):
            raise
        raise PartnerError(
            "another process of this fit has ended: it said why, or it was killed (perhaps for lack of memory); "
            "run the same command again, finished work is kept."
        ) from error
    distributed.destroy_process_group()


def _join(device: torch.device) -> None:
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group(
        "nccl" if cuda else "gloo", timeout=TIMEOUT, device_id=device if cuda else None
    )


def _demand_variables() -> None:
    missing = [name for name in VARIABLES if name not in os.environ]
    if missing:
        raise FitError(
            f"the environment names WORLD_SIZE but not {', '.join(missing)}: start the processes with torchrun, "
            "or unset WORLD_SIZE for one process"
        )


def _says_that_another_ended(error: RuntimeError) -> bool:
    """NCCL and the store have error classes of their own; Gloo raises a bare RuntimeError that names its file."""
    return isinstance(error, distributed.DistError) or "gloo/" in str(error)
