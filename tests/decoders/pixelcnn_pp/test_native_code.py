"""Compilation at first use: once, by several at a time, and never a crash."""

import logging
import os
import shutil
import subprocess
import sys

import pytest
import torch

from decoders.checksum import has_its_checksum
from decoders.pixelcnn_pp import native_code
from decoders.pixelcnn_pp.native_code import cache_folder, compiled_layers, has_openmp, shared_library

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache, and no memory of an earlier attempt."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv(native_code.SWITCH, raising=False)
    monkeypatch.setattr(native_code, "FLAGS", ("-O0", "-fPIC"))
    compiled_layers.cache_clear()
    yield tmp_path
    compiled_layers.cache_clear()


@needs_compiler
def test_the_library_is_kept_and_nothing_else_is_left(fresh):
    assert cache_folder() == fresh / "ib-analysis"
    library = shared_library(openmp=False)
    made = library.stat().st_mtime_ns
    assert shared_library(openmp=False) == library
    assert library.stat().st_mtime_ns == made
    assert list(cache_folder().iterdir()) == [library]


@needs_compiler
def test_another_source_compiler_or_processor_is_another_file(fresh, monkeypatch, tmp_path):
    names = {native_code.digest(["cc"], openmp=True), native_code.digest(["cc"], openmp=False)}
    monkeypatch.setattr(native_code, "processor", lambda: "another")
    names.add(native_code.digest(["cc"], openmp=True))
    changed = tmp_path / "fused_layers.c"
    changed.write_text(native_code.SOURCES[0].read_text() + "\n")
    monkeypatch.setattr(native_code, "SOURCES", (changed, *native_code.SOURCES[1:]))
    names.add(native_code.digest(["cc"], openmp=True))
    assert len(names) == 4


@needs_compiler
def test_processes_that_compile_at_once_all_get_a_whole_library(fresh):
    program = (
        "import ctypes; from decoders.pixelcnn_pp import native_code; native_code.FLAGS = ('-O0', '-fPIC');"
        "print(ctypes.CDLL(str(native_code.shared_library(False))).gate_forward is not None)"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    assert [child.communicate()[0].strip() for child in children] == ["True"] * 2
    assert len(list(cache_folder().iterdir())) == 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("CC", "no-such-compiler", "no-such-compiler"),
        ("CC", "false", "false"),
        ("CC", "cc '", "No closing quotation"),
        (native_code.SWITCH, "1", "is set"),
    ],
)
def test_without_a_compiler_one_line_says_so(fresh, monkeypatch, caplog, variable, value, message):
    monkeypatch.setenv(variable, value)
    with caplog.at_level(logging.WARNING):
        assert compiled_layers() is None
        assert compiled_layers() is None
    assert [message in record.getMessage() for record in caplog.records] == [True]


@needs_compiler
def test_a_broken_library_in_the_cache_is_made_anew(fresh):
    library = shared_library(openmp=False)
    sound = library.read_bytes()
    damages = (
        b"",
        sound[: len(sound) // 2],
        sound[:-1],
        sound[:2000] + bytes([sound[2000] ^ 1]) + sound[2001:],
    )
    for damaged in damages:
        library.unlink()
        library.write_bytes(damaged)
        assert native_code.load_library(openmp=False).gate_forward is not None
        assert has_its_checksum(library)


@needs_compiler
def test_a_cache_that_cannot_be_written_is_no_crash(fresh, monkeypatch, caplog):
    (fresh / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / "file"))
    assert compiled_layers() is None
    assert len(caplog.records) == 1


@needs_compiler
@pytest.mark.skipif(not has_openmp(), reason="torch runs without GNU's OpenMP here")
def test_the_threads_are_those_of_torch(fresh):
    """No second OpenMP is brought into the process."""
    assert compiled_layers() is not None
    assert torch.backends.openmp.is_available()
    linked = subprocess.run(
        ["ldd", shared_library(openmp=True)], capture_output=True, text=True, check=True
    ).stdout
    assert "gomp" not in linked
