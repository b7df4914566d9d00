"""Resumable downloads."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from decoders.training.disk import explain_disk_errors
from decoders.training.progress import progress
from ib_analysis.datasets.checksum import md5_of
from ib_analysis.errors import UserError

ATTEMPTS = 10
CHUNK_BYTES = 2**20
TIMEOUT_SECONDS = 30.0
_RANGE_NOT_SATISFIABLE = 416


class _InterruptedError(Exception):
    """The connection ended before the end of the file."""


def download(url: str, target: Path, md5: str) -> None:
    """Downloads `url` to `target`.

    Bytes are written to `<target>.part`. An interrupted download resumes there with a Range request, in the same or a
    later run. The file is renamed to `target` once its md5 is correct.

    Raises:
        UserError: the server is unreachable or refuses, the connection breaks repeatedly, or the md5 is wrong (the
            bytes are then removed).
        DiskError: the operating system refuses the file, for want of room or for another reason.
    """
    part = target.with_name(target.name + ".part")
    with explain_disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, part)
        found = md5_of(part)
        if found != md5:
            part.unlink()
            raise UserError(
                f"{url}: the downloaded file has md5 {found}, the official file {md5}; it was removed, "
                "run again to download it anew"
            )
        part.replace(target)


def _fetch_all(url: str, part: Path) -> None:
    """Requests the missing bytes until the file is complete, as long as each request adds some."""
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            return _fetch_rest(url, part)
        except _InterruptedError:
            if _size(part) == before:
                break
    raise UserError(f"{url}: the connection broke after {_size(part)} bytes; run again to resume from there")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch_rest(url: str, part: Path) -> None:
    """Requests the bytes after those in `part`."""
    have = _size(part)
    headers = {"User-Agent": "ib-analysis"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with _reply(urllib.request.Request(url, headers=headers)) as reply:
            start = _start(reply) if reply.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            if start > have:
                raise UserError(f"{url}: the server sent bytes from {start} on instead of {have}")
            _write(reply, part, start)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and have:
            return  # the file is complete; its checksum is verified later
        raise UserError(f"{url}: the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UserError(f"{url}: unreachable ({error.reason})") from error


def _reply(request: urllib.request.Request) -> http.client.HTTPResponse:
    """Opens the reply of the server.

    Raises:
        _InterruptedError: the connection ended before the reply; urllib does not raise URLError for this.
    """
    try:
        reply: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.URLError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedError from error
    return reply


def _start(reply: http.client.HTTPResponse) -> int:
    """First byte of a partial reply, from `Content-Range: bytes 100-199/200`."""
    found = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
    if found is None:
        raise UserError(f"{reply.url}: the server sent a part of the file without its position")
    return int(found.group(1))


def _write(reply: http.client.HTTPResponse, part: Path, start: int) -> None:
    """Appends the reply to `part` from byte `start` on; a server that ignores Range restarts at 0."""
    length = reply.headers.get("Content-Length")
    total = None if length is None else start + int(length)
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        file.truncate()
        _copy(reply, file, part.stem, start, total)
        if total is not None and file.tell() < total:
            raise _InterruptedError


def _copy(
    reply: http.client.HTTPResponse, file: IO[bytes], label: str, start: int, total: int | None
) -> None:
    """Copies the reply with a progress bar in MiB."""
    chunks = None if total is None else -(-total // CHUNK_BYTES)
    for chunk in progress(_chunks(reply), f"{label} [MiB]", total=chunks, initial=start // CHUNK_BYTES):
        file.write(chunk)


def _chunks(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body of the reply, one MiB at a time.

    Raises:
        _InterruptedError: the connection broke, as opposed to an error of the disk.
    """
    while True:
        try:
            chunk = reply.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _InterruptedError from error
        if not chunk:
            return
        yield chunk
