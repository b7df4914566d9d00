"""One stage in several processes of this machine: who starts them, and which of them says what went wrong.

The processes are started here (`--processes`) or by torchrun, and learn of each other from the variables that it
sets. This module imports no torch before it is needed: most stages never do.
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
    """Run `python -m ib_analysis` with those arguments in so many processes, and wait for all of them.

    When one fails or is killed the others are ended; a signal to this process ends them all.

    Returns:
        The exit code, and a sentence where no process could say what went wrong itself.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    # What went wrong is said in a sentence, here or by a process; the launcher would add a page of its own.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # or each would take all cores before it is told its part
    try:
        elastic_launch(_settings(processes), sys.executable)("-m", "ib_analysis", *arguments)
    except ChildFailedError as error:
        return 1, _sentence({rank: failure.exitcode for rank, failure in error.failures.items()})
    except SignalException as ended:
        return 128 + int(ended.sigval), ""
    return 0, ""


def is_first_to_say() -> bool:
    """Whether no other process has said what went wrong: most mistakes are met by all of them at once.

    They ask the store by which torchrun introduced them to each other; where it is gone, each speaks.
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
    """One that was killed has said nothing (SIGTERM is how the rest are ended); one that ended by itself has.

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
