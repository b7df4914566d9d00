"""Downloads that go on from where they stopped."""

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
    """The connection ended before the file did."""


def download(url: str, target: Path, md5: str) -> None:
    """Bring `url` to `target`.

    Bytes gather in `<target>.part`; an interrupted download is resumed from there by a Range request, in this
    run and in the next. The file gets its name only once its md5 is right.

    Raises:
        UserError: the server cannot be reached or refuses, the connection breaks again and again, the md5 of
            the whole is wrong (the bytes are then removed).
        DiskError: the disk is full, or permission is denied.
    """
    part = target.with_name(target.name + ".part")
    with explain_disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, part)
        found = md5_of(part)
        if found != md5:
            part.unlink()
            raise UserError(
                f"{url}: what arrived has md5 {found} where the official file has {md5}; it was removed, "
                "run again to download it afresh"
            )
        part.replace(target)


def _fetch_all(url: str, part: Path) -> None:
    """Ask for what is missing until nothing is, as long as each request brings something."""
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            return _fetch_rest(url, part)
        except _InterruptedError:
            if _size(part) == before:
                break
    raise UserError(
        f"{url}: the connection broke off after {_size(part)} bytes; run again, it goes on from there"
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch_rest(url: str, part: Path) -> None:
    """One request for the bytes after those in `part`."""
    have = _size(part)
    headers = {"User-Agent": "ib-analysis"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with _reply(urllib.request.Request(url, headers=headers)) as reply:
            start = _start(reply) if reply.status == http.HTTPStatus.PARTIAL_CONTENT else 0
            if start > have:
                raise UserError(f"{url}: the server sent bytes from {start} on where {have} were asked for")
            _write(reply, part, start)
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and have:
            return  # nothing is missing: the checksum judges what is there
        raise UserError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UserError(f"{url}: cannot be reached ({error.reason})") from error


def _reply(request: urllib.request.Request) -> http.client.HTTPResponse:
    """The server's answer, its body still to come.

    Raises:
        _InterruptedError: the connection ended before the answer began, of which urllib makes no URLError.
    """
    try:
        reply: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.URLError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _InterruptedError from error
    return reply


def _start(reply: http.client.HTTPResponse) -> int:
    """First byte of a partial reply: `Content-Range: bytes 100-199/200`."""
    found = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
    if found is None:
        raise UserError(f"{reply.url}: the server sent a part of the file without saying which")
    return int(found.group(1))


def _write(reply: http.client.HTTPResponse, part: Path, start: int) -> None:
    """Append the reply to `part` from byte `start` on; a server that ignores Range starts again from 0."""
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
    """Copy with a bar that counts MiB."""
    chunks = None if total is None else -(-total // CHUNK_BYTES)
    for chunk in progress(_chunks(reply), f"{label} [MiB]", total=chunks, initial=start // CHUNK_BYTES):
        file.write(chunk)


def _chunks(reply: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body, a MiB at a time.

    Raises:
        _InterruptedError: the connection broke; errors of the disk are not mistaken for it.
    """
    while True:
        try:
            chunk = reply.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _InterruptedError from error
        if not chunk:
            return
        yield chunk
