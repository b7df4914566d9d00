"""One sentence for what the system, a reader or the allocator refuses; errors of the program pass."""

import errno
import os
import subprocess
import sys

import pytest
import torch

from decoders.errors import DecoderFileError
from decoders.training.disk import DiskError
from decoders.training.failures import MemoryExhaustedError, explain_failures, reading


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 8.00 TiB for an array"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.\nmore"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a memory object"),
        RuntimeError("could not create a primitive"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        SystemError("error return without exception set"),
        SystemError("<function f at 0x7f> returned NULL without setting an exception"),
    ],
)
def test_a_failed_allocation_is_a_sentence_with_a_remedy(error):
    sentence = r"^the memory is full \([^\n]+\); lower batch_size"
    with pytest.raises(MemoryExhaustedError, match=sentence), explain_failures("the results"):
        raise error


def test_an_allocation_that_really_fails():
    with pytest.raises(MemoryExhaustedError, match="the memory is full"), explain_failures("the results"):
        torch.empty(2**60)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes differ"),
        ValueError("mine"),
        KeyError("mine"),
        ImportError("no module named x"),
        SystemError("bad argument to internal function"),
    ],
)
def test_errors_of_the_program_pass(error):
    with pytest.raises(type(error)) as caught, explain_failures("the results"):
        raise error
    assert caught.value is error


def test_a_refused_file_is_the_sentence_of_the_disk():
    with pytest.raises(DiskError, match="there: permission denied"), explain_failures("the results"):
        raise PermissionError(errno.EACCES, "no", "there")


@pytest.mark.parametrize("error", [KeyError("a"), RecursionError("deep"), SyntaxError("bad"), OSError("x")])
def test_whatever_a_reader_raises_is_one_sentence(tmp_path, error):
    with pytest.raises(DecoderFileError) as caught, reading(tmp_path / "f", "is no table", "remove it"):
        raise error
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'f'}: is no table (")
    assert said.endswith("); remove it")


def test_what_the_system_refuses_while_a_file_is_read_is_not_its_damage(tmp_path):
    for number in (errno.EACCES, errno.EIO, errno.ESTALE):
        with pytest.raises(DiskError), reading(tmp_path, "is no table", "remove it"):
            raise OSError(number, os.strerror(number), "there")
    with (
        pytest.raises(DiskError, match="does not exist"),
        reading(tmp_path / "f", "is no table", "remove it"),
    ):
        raise FileNotFoundError("safetensors gives no number")


def test_a_header_that_asks_for_too_much_memory_names_the_file(tmp_path):
    sentence = r"f: asks for more memory .*; run fewer jobs .* remove it"
    path = tmp_path / "f"
    with pytest.raises(MemoryExhaustedError, match=sentence), reading(path, "is no table", "remove it"):
        torch.empty(2**60)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is that of Linux")
def test_a_stage_that_runs_out_of_memory_ends_with_a_sentence(tmp_path):
    program = (
        "import sys, types\n"
        "from ib_analysis import __main__, stages\n"
        "import ib_analysis.stages.prepare_dataset as stage\n"
        "def full(*_, **__):\n"
        "    import numpy\n"
        "    numpy.ones(2**50)\n"
        "stage.prepare_dataset = full\n"
        "sys.exit(__main__.main(sys.argv[1:]))\n"
    )
    spec = '{"dataset": {"implementation": "ib_analysis.datasets.digits:Digits", "spec": {}}}'
    command = [sys.executable, "-c", program, "prepare_dataset", "--spec", spec, "--out", str(tmp_path / "d")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("ib-analysis: the memory is full (Unable to allocate")
    assert "Traceback" not in run.stderr
