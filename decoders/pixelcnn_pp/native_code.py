"""The C files of this folder as a shared library, compiled once by the compiler of the system and kept in a cache.

The compiler is `cc`, or the value of the environment variable CC. The cache is `ib-analysis` in XDG_CACHE_HOME or in
~/.cache. The name of the library is a digest of the source, the compiler and the processor, so different machines can
share a home. Without a compiler, or with IB_ANALYSIS_NO_KERNEL=1, there is no library: torch's own operations compute
the layers, more slowly and to the same values within rounding.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from decoders.checksum import append_checksum, has_its_checksum

SOURCES = tuple(
    Path(__file__).with_name(name)
    for name in ("fused_layers.c", "fused_mixture.c", "network_pass.c", "sampling_operations.c")
)
HEADERS = tuple(Path(__file__).with_name(name) for name in ("dropout.h", "exponentials.h", "products.h"))
SWITCH = "IB_ANALYSIS_NO_KERNEL"
# No option may change the treatment of NaN and infinity, as -ffast-math would.
FLAGS = (
    *("-std=c11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    *("-fopenmp-simd", "-fPIC"),
)
PATIENCE = 120  # seconds

log = logging.getLogger(__name__)


@cache
def compiled_layers() -> ctypes.CDLL | None:
    """The compiled functions, or None, with one warning in the log, where they cannot be compiled."""
    if os.environ.get(SWITCH, "") not in ("", "0"):
        log.warning("%s is set: decoders run without compiled layers, which is slower", SWITCH)
        return None
    failures = []
    for openmp in (True, False) if has_openmp() else (False,):
        try:
            return load_library(openmp)
        except (OSError, subprocess.SubprocessError, ValueError, RuntimeError) as error:
            failures.append(str(getattr(error, "stderr", None) or error).strip())
    log.warning(
        "the layers in C could not be compiled (%s): decoders run without them, which is slower; a compiler (CC) and a "
        "folder that can be written (XDG_CACHE_HOME) are needed",
        failures[-1],
    )
    return None


def call(name: str, *arguments: Any) -> int:
    """Call a C function without the interpreter lock, and return its whole number, if it has one.

    Structures, tensors and arrays are passed by their address, numbers as 64 bits, None as a null.
    """
    library = compiled_layers()
    assert library is not None
    function = getattr(library, name)
    function.restype = ctypes.c_int64
    return int(function(*(as_c(a) for a in arguments)))


def as_c(argument: Any) -> Any:
    """An argument of `call` as C takes it."""
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, ctypes.Structure):
        return ctypes.byref(argument)
    return argument if argument is None else ctypes.c_int64(argument)


def addresses(tensors: Sequence[Tensor]) -> NDArray[np.int64]:
    """Addresses of tensors, as C reads them."""
    return np.array([t.data_ptr() for t in tensors], np.int64)


def load_library(openmp: bool) -> ctypes.CDLL:
    """Load the shared library. A cached one that is damaged, or that cannot be loaded, is compiled again.

    Raises:
        OSError: there is no compiler, or the cache is not writable.
        subprocess.SubprocessError: the compiler failed or timed out.
        ValueError: CC is not a command line.
        RuntimeError: there is no home folder for the cache.
    """
    library = shared_library(openmp)
    try:
        return ctypes.CDLL(str(library))
    except OSError:
        library.unlink(missing_ok=True)
        return ctypes.CDLL(str(shared_library(openmp)))


def has_openmp() -> bool:
    """Whether torch has loaded GNU OpenMP into this process, whose threads the library then shares."""
    return hasattr(ctypes.CDLL(None), "GOMP_parallel")


def shared_library(openmp: bool) -> Path:
    """Path of the shared library, which is compiled now unless it is in the cache.

    Raises:
        OSError: there is no compiler, or the cache is not writable.
        subprocess.SubprocessError: the compiler failed or timed out.
    """
    compiler = shlex.split(os.environ.get("CC") or "cc")
    library = cache_folder() / f"pixelcnn_pp-{digest(compiler, openmp)}.so"
    # A library that is cut short kills the process that loads it, and one with a wrong bit may compute other numbers.
    if not library.exists() or not has_its_checksum(library):
        library.parent.mkdir(parents=True, exist_ok=True)
        # Compiled in a temporary folder and then moved, as another process may compile the same file.
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / "pixelcnn_pp.so"
            objects = [compile_source(compiler, source, Path(folder), openmp) for source in SOURCES]
            # Linked without -fopenmp: the symbols come from the OpenMP that torch has loaded.
            run(*compiler, "-shared", *objects, "-o", str(made), "-lm")
            append_checksum(made)
            os.replace(made, library)
    return library


def compile_source(compiler: list[str], source: Path, folder: Path, openmp: bool) -> str:
    """Compile one source to an object file."""
    made = str(folder / f"{source.stem}.o")
    run(*compiler, *FLAGS, *(["-fopenmp"] if openmp else []), "-c", str(source), "-o", made)
    return made


def cache_folder() -> Path:
    """Folder of compiled code."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ib-analysis"


def digest(compiler: list[str], openmp: bool) -> str:
    """Digest of everything that the machine code depends on."""
    made_by = run(*compiler, "--version").partition("\n")[0]
    texts = (path.read_text(encoding="utf-8") for path in (*SOURCES, *HEADERS))
    parts = *texts, *FLAGS, str(openmp), *compiler, made_by, processor()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def processor() -> str:
    """Model and instruction sets of the processor, as far as the system reports them."""
    try:
        lines = (
            Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
        )
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join([platform.machine(), *(line for line in lines if line.startswith(told))])


def run(*command: str) -> str:
    """Run a command and return its output; raise an error where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
