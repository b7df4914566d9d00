"""Files that are written whole, or not at all."""

from pathlib import Path

from ib_analysis.artefacts import replacing
from ib_analysis.errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file atomically.

    Raises:
        UserError: the disk is full or cannot be written; what was at the path before is still there.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror}): make {len(content):,} bytes free there "
            "and run again"
        ) from None
