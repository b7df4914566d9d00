"""The files of a tree of images with one sub-folder per class: which are images, and which are passed over."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from ib_analysis.errors import UserError

OF_SYSTEMS = {"@eaDir", "__MACOSX", "__pycache__", "lost+found", "$RECYCLE.BIN", "System Volume Information"}
"""Folders that storage devices and operating systems add; they hold thumbnails and copies."""
PARTS = {"train", "training", "valid", "validation", "val", "dev", "eval", "test", "testing"}


def class_folders(folder: Path) -> list[Path]:
    """The sub-folders, one per class, sorted by name.

    Hidden folders and those of operating systems are none.

    Raises:
        UserError: the folder is missing, has no sub-folder, holds a link that leads nowhere, or a name that is no text.
    """
    if not folder.is_dir():
        raise UserError(f"folder {folder}: does not exist; it must hold one sub-folder of images per class")
    classes = sorted(Path(entry) for entry in _visible(folder) if entry.is_dir())
    if not classes:
        raise UserError(
            f"folder {folder}: has no sub-folders; it must hold one sub-folder of images per class"
        )
    return classes


def refuse_parts(folder: Path, classes: Iterable[Path]) -> None:
    """Refuse the parent of train/ and test/: its sub-folders are parts with classes of their own, and no classes.

    Raises:
        UserError: every sub-folder has the name of a part and holds sub-folders.
    """
    inside = {path: [e.name for e in _visible(path) if e.is_dir()] for path in classes}
    if all(path.name.lower() in PARTS and below for path, below in inside.items()):
        first = next((path for path in inside if path.name.lower().startswith("train")), next(iter(inside)))
        raise UserError(
            f"folder {folder}: its sub-folders {', '.join(path.name for path in inside)} are parts, not classes (in "
            f"{first.name} are {', '.join(sorted(inside[first])[:3])}); name one of them, such as `folder: {first}`, "
            "or put the images of a class into one sub-folder: the three parts are drawn here"
        )


def image_paths(folder: Path) -> list[Path]:
    """All images below a class folder, sorted.

    Hidden files and folders are passed over at every depth, and so are files without the suffix of an image format,
    which `other_files` lists. A file without any suffix counts as an image. Links to folders are followed.

    Raises:
        UserError: there is no image, a link leads nowhere, or a link leads back to a folder above it.
    """
    paths = sorted(Path(entry) for entry in _entries(folder) if _may_be_image(entry))
    if not paths:
        raise UserError(f"class folder {folder}: holds no image; add images or remove the folder")
    return paths


def other_files(folder: Path, classes: Iterable[Path]) -> list[Path]:
    """What is visible and passed over: all beside the class folders, and in them pipes and files of no image format."""
    beside = [Path(entry) for entry in _visible(folder) if not entry.is_dir()]
    inside = [Path(entry) for path in classes for entry in _entries(path) if not _may_be_image(entry)]
    return sorted(beside + inside)


def _may_be_image(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, and its suffix is that of an image format, or missing."""
    suffix = os.path.splitext(entry.name)[1].lower()
    return entry.is_file() and (not suffix or suffix in Image.registered_extensions())


def _entries(folder: Path, above: tuple[str, ...] = ()) -> Iterator[os.DirEntry[str]]:
    """What is visible and no folder, at every depth."""
    here = os.path.realpath(folder)
    if here in above:
        raise UserError(f"{folder}: a link that leads back to a folder above it; remove it")
    for entry in _visible(folder):
        if entry.is_dir():
            yield from _entries(Path(entry), (*above, here))
        else:
            yield entry


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder that are neither hidden nor made by an operating system."""
    with os.scandir(folder) as found:
        entries = [e for e in found if not e.name.startswith(".") and e.name not in OF_SYSTEMS]
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry):
            target = os.readlink(entry)
            raise UserError(
                f"{entry.path}: a link that leads nowhere (to {target}); restore {target}, or remove it"
            )
        if not _is_text(entry.name):
            raise UserError(f"{entry.path!a}: its name is no text in the encoding of this system; rename it")
    return entries


def _is_text(name: str) -> bool:
    """Whether the bytes of a name could be decoded; tables and reports hold names as text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
