"""A GPU of its own for each job of a machine with several: CUDA_VISIBLE_DEVICES, which Snakemake leaves to its jobs.

A job holds a lock on a place on its GPU until it ends. It takes the GPU that the fewest other jobs hold, so jobs that
run at once have different ones, and where more jobs run than there are GPUs (`resources: gpu` of the profile says how
many run at once), they share them evenly.
"""

import fcntl
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

DRIVER = Path("/proc/driver/nvidia/gpus")
VISIBLE = "CUDA_VISIBLE_DEVICES"
MOST_JOBS_A_GPU = 16
"""Jobs beyond so many on every GPU see all, as without this file."""

_held: list[TextIO] = []
"""Open files, whose locks end with this process."""


def hold_free_gpu(device: str) -> None:
    """Let this process see one GPU that no other job holds, where it sees several and computes on one of them.

    It must be called before CUDA is used. A device with a number, as "cuda:1", is the user's own choice.
    """
    gpus = visible_gpus(os.environ, DRIVER)
    if device not in ("cuda", "auto") or len(gpus) < 2:
        return
    folder = lock_folder()
    with (folder / "choice").open("w", encoding="utf-8") as choice:
        fcntl.flock(choice, fcntl.LOCK_EX)
        free = {gpu: free_places(folder, gpu) for gpu in gpus}
        gpu = max(gpus, key=lambda name: len(free[name]))
        lock = locked(free[gpu][0]) if free[gpu] else None
    if lock is not None:
        _held.append(lock)
        os.environ[VISIBLE] = gpu


def free_places(folder: Path, gpu: str) -> list[Path]:
    """Files of the places on a GPU that no job holds."""
    paths = [folder / f"{gpu.replace('/', '-')}.{place}" for place in range(MOST_JOBS_A_GPU)]
    found = [(path, locked(path)) for path in paths]
    for _, file in found:
        if file is not None:
            file.close()
    return [path for path, file in found if file is not None]


def visible_gpus(environment: Mapping[str, str], driver: Path) -> list[str]:
    """Names of the GPUs that this process may see: those of CUDA_VISIBLE_DEVICES, else the numbers of all.

    >>> visible_gpus({"CUDA_VISIBLE_DEVICES": "0,GPU-8932f937"}, DRIVER)
    ['0', 'GPU-8932f937']
    """
    if VISIBLE in environment:
        return [name.strip() for name in environment[VISIBLE].split(",") if name.strip()]
    return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []


def lock_folder() -> Path:
    """Folder of the locks, one for each user and machine."""
    folder = Path(tempfile.gettempdir()) / f"ib-analysis-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def locked(path: Path) -> TextIO | None:
    """The file under a lock of this process; None where another process holds it."""
    file = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
