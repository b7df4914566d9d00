"""One stage in several processes of this machine: their start, and the choice of the one that prints an error.

The processes are started here (`--processes`) or by torchrun, which sets the environment variables that describe the
group. This module imports torch inside functions, because most stages run in one process without torch.
"""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

PARTNER_LOST = 3
"""Exit code of a process that ended because another did."""


def count() -> int:
    """Number of processes that share this stage, this one included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def start(processes: int, arguments: list[str]) -> tuple[int, str]:
    """Run `python -m ib_analysis` with the arguments in `processes` processes, and wait for all of them.

    When one fails or is killed, the others are ended. A signal to this process ends all of them.

    Returns:
        The exit code, and an error message where no process could print one; else an empty text.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    # The error is printed as one sentence, here or by a process. Without this line the launcher logs a page as well.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # else each process uses all cores until the stage sets its threads
    try:
        elastic_launch(_settings(processes), sys.executable)("-m", "ib_analysis", *arguments)
    except ChildFailedError as error:
        return 1, _sentence({rank: failure.exitcode for rank, failure in error.failures.items()})
    except SignalException as ended:
        return 128 + int(ended.sigval), ""
    return 0, ""


def is_first_to_say() -> bool:
    """Whether this process is the first to report an error; most mistakes occur in all processes at once.

    One rank is elected through torchrun's TCPStore. Where the store is gone, every process prints the error.
    """
    if count() < 2:
        return True
    from torch.distributed import TCPStore

    try:
        store = TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=False,
            timeout=timedelta(seconds=5),
            wait_for_workers=False,
        )
        return bool(
            store.add(f"ib_analysis/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", 1) == 1
        )
    except (KeyError, RuntimeError):
        return True


def _settings(processes: int) -> Any:
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )


def _sentence(exit_codes: Mapping[int, int]) -> str:
    """Error message for a killed process, which printed none; empty where a process ended by itself and printed one.

    The launcher ends the other processes by SIGTERM, so a process that another signal killed is named first.

    >>> _sentence({0: PARTNER_LOST, 1: -9}).partition(",")[0]
    'the process of rank 1 was killed (SIGKILL)'
    >>> _sentence({0: -15, 1: 1})
    ''
    """
    killed = sorted((code == -signal.SIGTERM, rank) for rank, code in exit_codes.items() if code < 0)
    if not killed or any(code > 0 and code != PARTNER_LOST for code in exit_codes.values()):
        return ""
    rank = killed[0][1]
    return (
        f"the process of rank {rank} was killed ({signal.Signals(-exit_codes[rank]).name}), perhaps for lack of "
        "memory: run the same command again, finished work is kept."
    )
