"""Pictures of a report for docs/images, in a wide and in a narrow window, light and dark: `make screenshots`."""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.browser.devtools import Page, browser, chromium

WINDOWS = ((1400, 1240, "body"), (375, 1560, "#explorer"))
"""Width and height, and the part of the page that stands at the top."""


def take(page: Page, report: Path, folder: Path) -> list[Path]:
    """Write report-<width>-<light or dark>.png of each window; returns the paths."""
    taken = []
    for width, height, part in WINDOWS:
        for dark in (False, True):
            page.open(report, width=width, height=height, dark=dark)
            page.run(f"document.querySelector('{part}').scrollIntoView()")
            path = folder / f"report-{width}-{'dark' if dark else 'light'}.png"
            page.picture(path)
            image = Image.open(BytesIO(path.read_bytes())).convert("RGB")
            palette = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            palette.save(path, optimize=True)  # the rare colours of epochs are kept, and half of the bytes
            taken.append(path)
    return taken


def main(report: Path, folder: Path) -> None:
    """Take the pictures, or say what is missing."""
    program = chromium()
    if program is None:
        sys.exit("No Chromium is installed: tests/browser/install_chromium.sh installs one on Debian.")
    if not report.exists():
        sys.exit(f"{report} is missing: run `make demo` first.")
    with browser(program) as page:
        for path in take(page, report, folder):
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
