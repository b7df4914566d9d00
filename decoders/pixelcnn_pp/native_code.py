"""The C files of this folder as machine code: one library, compiled once by the system's compiler and kept in a cache.

The compiler is `cc`, or what the environment variable CC names. The cache is `ib-analysis` in XDG_CACHE_HOME, or
in ~/.cache; the file's name is a digest of the source, the compiler and the processor, so that a home shared by
unlike machines holds one for each. Without a compiler, or with IB_ANALYSIS_NO_KERNEL=1, there is none, and the
layers are computed by torch's own operations, more slowly and to the same values within rounding.
"""

import ctypes
import hashlib
import logging
import os
import platform
import shlex
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCES = tuple(Path(__file__).with_name(name) for name in ("fused_layers.c", "sampling_operations.c"))
HEADERS = (Path(__file__).with_name("expm1.h"),)
SWITCH = "IB_ANALYSIS_NO_KERNEL"
# No option here may change what becomes of a NaN or of an infinity, as -ffast-math would.
FLAGS = (
    *("-std=c11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    *("-fopenmp-simd", "-fPIC"),
)
PATIENCE = 120  # seconds

log = logging.getLogger(__name__)


@cache
def compiled_layers() -> ctypes.CDLL | None:
    """The compiled functions, or None (said once, in the log) where there can be none."""
    if os.environ.get(SWITCH, "") not in ("", "0"):
        log.warning("%s is set: decoders run without their compiled layers, more slowly", SWITCH)
        return None
    failures = []
    for openmp in (True, False) if has_openmp() else (False,):
        try:
            return loaded(openmp)
        except (OSError, subprocess.SubprocessError, ValueError, RuntimeError) as error:
            failures.append(str(getattr(error, "stderr", None) or error).strip())
    log.warning(
        "the layers in C could not be compiled (%s): decoders run without them, more slowly", failures[-1]
    )
    return None


def loaded(openmp: bool) -> ctypes.CDLL:
    """The shared library in this process; one that the cache holds but that does not load is compiled anew.

    Raises:
        OSError: there is no compiler, or the cache cannot be written.
        subprocess.SubprocessError: the compiler refused, or took too long.
        ValueError: CC is no command line.
        RuntimeError: there is no home to keep a cache in.
    """
    library = shared_library(openmp)
    try:
        return ctypes.CDLL(str(library))
    except OSError:
        library.unlink(missing_ok=True)
        return ctypes.CDLL(str(shared_library(openmp)))


def has_openmp() -> bool:
    """Whether torch has brought GNU's OpenMP into this process, whose threads are then shared with it."""
    return hasattr(ctypes.CDLL(None), "GOMP_parallel")


def shared_library(openmp: bool) -> Path:
    """The shared library, compiled now unless it lies in the cache already.

    Raises:
        OSError: there is no compiler, or the cache cannot be written.
        subprocess.SubprocessError: the compiler refused, or took too long.
    """
    compiler = shlex.split(os.environ.get("CC") or "cc")
    library = cache_folder() / f"pixelcnn_pp-{digest(compiler, openmp)}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        # In a folder of its own, then moved: another process may be compiling the same file.
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / "pixelcnn_pp.so"
            objects = [compiled_file(compiler, source, Path(folder), openmp) for source in SOURCES]
            # Linked without -fopenmp: its symbols are those of the OpenMP that torch has loaded.
            run(*compiler, "-shared", *objects, "-o", str(made), "-lm")
            os.replace(made, library)
    return library


def compiled_file(compiler: list[str], source: Path, folder: Path, openmp: bool) -> str:
    """The object file of one source."""
    made = str(folder / f"{source.stem}.o")
    run(*compiler, *FLAGS, *(["-fopenmp"] if openmp else []), "-c", str(source), "-o", made)
    return made


def cache_folder() -> Path:
    """Where compiled code is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ib-analysis"


def digest(compiler: list[str], openmp: bool) -> str:
    """Of everything that the machine code depends on."""
    made_by = run(*compiler, "--version").partition("\n")[0]
    texts = (path.read_text() for path in (*SOURCES, *HEADERS))
    parts = *texts, *FLAGS, str(openmp), *compiler, made_by, processor()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def processor() -> str:
    """Model and instructions of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    return "\n".join([platform.machine(), *(line for line in lines if line.startswith(told))])


def run(*command: str) -> str:
    """What a command prints; an error if it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout
