"""One fit in several processes: the division of rows, agreement on decisions, and the process that writes.

torchrun starts the processes, `join_process_group` connects them, and DistributedDataParallel averages their
gradients. Without a process group there is one process, and the methods return their input.
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

# How long a process waits for a silent one. Must exceed everything that one process does while the others wait (the
# activations of a data set, a state on a slow disk). The end of a process closes its connection and shows at once.
TIMEOUT = timedelta(minutes=30)
# Set by torchrun in each process; without the first there is one process.
VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class Ranks:
    """Number of processes in a fit and the rank of this one; all must call the same methods in the same order."""

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> "Ranks":
        """Ranks in the process group that this process has joined; one process where it has joined none."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this process writes files, draws progress bars and prints messages."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there is more than one process."""
        return self.count > 1

    def share(self, rows: NDArray[Kind]) -> NDArray[Kind]:
        """Consecutive rows of this process; the counts of two processes differ by at most one.

        >>> [Ranks(rank, 3).share(np.arange(7)).tolist() for rank in range(3)]
        [[0, 1, 2], [3, 4], [5, 6]]
        """
        return np.array_split(rows, self.count)[self.rank]

    def weight(self, mine: int, all_rows: int) -> float:
        """Factor on the mean over `mine` rows, such that the mean over the processes is the mean over all rows.

        >>> Ranks(0, 3).weight(3, 7), Ranks().weight(7, 7)
        (1.2857142857142858, 1.0)
        """
        return self.count * mine / all_rows

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Wrap a module so that its gradients are averaged over the processes as they are computed."""
        if not self.several:
            return module
        with warnings.catch_warnings():
            # PyTorch 2.13 renames broadcast_buffers; older versions do not know the new name.
            warnings.simplefilter("ignore", FutureWarning)
            return DistributedDataParallel(
                module,
                device_ids=[device] if device.type == "cuda" else None,
                broadcast_buffers=False,  # buffers are set once, before the first step
                # One copy of the gradients, not two; on a CPU they are parts of one vector, where they stay.
                gradient_as_bucket_view=device.type == "cuda",
            )

    def mean(self, value: Tensor) -> Tensor:
        """Mean over the processes, bit-identical in all of them; not finite where one value is not finite."""
        if not self.several:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.count

    def gather(self, mine: NDArray[np.float64], count: int, device: torch.device) -> NDArray[np.float64]:
        """All `count` values in order, of which this process has computed its `share`."""
        if not self.several:
            return mine
        values = torch.zeros(count, dtype=torch.float64, device=device)
        places = torch.as_tensor(self.share(np.arange(count)), device=device)
        values[places] = torch.as_tensor(mine, device=device)
        distributed.all_reduce(values)
        gathered: NDArray[np.float64] = values.cpu().numpy()
        return gathered

    @torch.no_grad()
    def copy_from_first(self, module: nn.Module) -> None:
        """Copy the first process' weights and buffers: two GPUs need not compute the same bits."""
        if self.several:
            for tensor in (*module.parameters(), *module.buffers()):
                distributed.broadcast(tensor.detach(), src=0)

    def from_first(self, value: Value) -> Value:
        """The first process' value, for a decision that all must share (whether a file exists)."""
        if not self.several:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def agree(self, value: object) -> bool:
        """Whether the value is equal in all processes; all get the same answer."""
        if not self.several:
            return True
        values: list[object] = [None] * self.count
        distributed.all_gather_object(values, value)
        return all(other == values[0] for other in values)

    def wait(self) -> None:
        """Wait until every process calls this."""
        if self.several:
            distributed.barrier()

    @contextmanager
    def warn_once(self) -> Iterator[None]:
        """Let the first process alone print the warnings of the block, which all of them meet."""
        with warnings.catch_warnings():
            if not self.first:
                warnings.simplefilter("ignore")
            yield


@contextmanager
def join_process_group(device: torch.device) -> Iterator[Ranks]:
    """Join the process group that torchrun's variables describe for the duration of the block: NCCL on GPUs, else Gloo.

    One process, with or without torchrun, joins no group. After an error the group stays as it is, because its
    destruction needs the other processes, which may wait elsewhere. They notice the end of this process.

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
        if not _shows_that_another_ended(error):
            raise
        raise PartnerError(
            "another process of this fit has ended: it printed the reason, or it was killed (perhaps for lack of "
            "memory); run the same command again, finished work is kept."
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


def _shows_that_another_ended(error: RuntimeError) -> bool:
    """NCCL and the store raise DistError; Gloo raises a plain RuntimeError whose message names its source file."""
    return isinstance(error, distributed.DistError) or "gloo/" in str(error)
