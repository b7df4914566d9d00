import errno
import hashlib
import os
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from decoders.training.disk import DiskError
from ib_analysis.datasets.cifar10 import Cifar10
from ib_analysis.datasets.download import download
from ib_analysis.datasets.specs.cifar import Cifar10Spec
from ib_analysis.errors import UserError

CONTENT = os.urandom(3 * 2**20 + 12345)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """A file server whose manners the test chooses."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        start = int(asked.split("=")[1].rstrip("-")) if asked and server.ranges else 0
        if server.hangs_up:
            self.close_connection = True
            self.connection.close()
            return
        if server.status:
            self.send_error(server.status)
            return
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges:
            says = start + server.shift
            self.send_header("Content-Range", f"bytes {says}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.breaks_after.pop(0)] if server.breaks_after else body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(content=CONTENT):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.asked, server.breaks_after = content, [], []
    server.ranges, server.status, server.shift, server.hangs_up = True, None, 0, False
    server.url = f"http://127.0.0.1:{server.server_address[1]}/file.tar.gz"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "file.tar.gz"


@pytest.fixture
def part(target):
    target.parent.mkdir()
    return target.with_name("file.tar.gz.part")


def test_a_file_arrives_whole(server, target):
    download(server.url, target, MD5)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.tar.gz"]


def test_an_earlier_run_is_resumed(server, target, part):
    part.write_bytes(CONTENT[:1000000])
    download(server.url, target, MD5)
    assert server.asked == ["bytes=1000000-"]
    assert target.read_bytes() == CONTENT


def test_a_broken_connection_is_resumed_at_once(server, target):
    server.breaks_after = [1500000, 100000]
    download(server.url, target, MD5)
    assert server.asked == [None, "bytes=1500000-", "bytes=1600000-"]
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_needs_no_byte(server, target, part):
    part.write_bytes(CONTENT)
    download(server.url, target, MD5)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_starts_again(server, target, part):
    server.ranges = False
    part.write_bytes(b"other files than activations")
    download(server.url, target, MD5)
    assert target.read_bytes() == CONTENT


def test_a_server_that_skips_bytes_is_refused(server, target, part):
    part.write_bytes(CONTENT[:100])
    server.shift = 7
    with pytest.raises(UserError, match="sent bytes from 107 on instead of 100"):
        download(server.url, target, MD5)
    assert part.read_bytes() == CONTENT[:100]


def test_a_connection_that_brings_nothing_keeps_what_is_there(server, target, part):
    part.write_bytes(CONTENT[:100])
    server.breaks_after = [0]
    with pytest.raises(UserError, match="broke after 100 bytes; run again to resume from there"):
        download(server.url, target, MD5)
    assert part.read_bytes() == CONTENT[:100]
    download(server.url, target, MD5)
    assert target.read_bytes() == CONTENT


def test_a_server_that_hangs_up_without_an_answer_is_told(server, target):
    server.hangs_up = True
    with pytest.raises(UserError, match="broke after 0 bytes"):
        download(server.url, target, MD5)


@pytest.mark.parametrize("stale", [b"", b"stale bytes", CONTENT + b"too long"])
def test_a_wrong_checksum_names_both_sums_and_the_next_run_is_fresh(server, target, part, stale):
    part.write_bytes(stale)
    right = "0" * 32 if stale == b"" else MD5
    with pytest.raises(
        UserError, match=rf"file.tar.gz: the downloaded file has md5 \w+, the official file {right}"
    ):
        download(server.url, target, right)
    assert not part.exists()
    assert not target.exists()
    download(server.url, target, MD5)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_told(server, target, status):
    server.status = status
    with pytest.raises(UserError, match=f"file.tar.gz: the server answered {status}"):
        download(server.url, target, MD5)


def test_no_server_is_told(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with serving() as gone:
        pass
    with pytest.raises(UserError, match="unreachable"):
        download(gone.url, target, MD5)


def test_a_full_disk_is_told_and_not_taken_for_a_broken_connection(server, target, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ib_analysis.datasets.download._copy", full)
    with pytest.raises(DiskError, match="the disk is full"):
        download(server.url, target, MD5)
    assert len(server.asked) == 1


def test_a_data_set_is_downloaded_verified_and_unpacked(mini_cifar10, tmp_path, packed, monkeypatch, cache):
    monkeypatch.setenv("no_proxy", "*")
    archive = tmp_path / "cifar-10-python.tar.gz"
    md5 = packed(mini_cifar10, archive)
    with serving(archive.read_bytes()) as server:
        url = server.url.replace("file.tar.gz", "cifar-10-python.tar.gz")
        monkeypatch.setattr(Cifar10, "official", replace(Cifar10.official, url=url, md5=md5))
        source = Cifar10(Cifar10Spec())
        assert source.folder == cache / "cifar-10-batches-py"
        assert sum(len(block) for block in source.blocks()) == 360
        Cifar10(Cifar10Spec())
        assert len(server.asked) == 1
