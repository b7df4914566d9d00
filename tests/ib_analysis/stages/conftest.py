"""A prepared data set, which most stages read."""

import pytest

from ib_analysis.datasets.digits import Digits
from ib_analysis.datasets.prepare import prepare_dataset
from ib_analysis.datasets.specs.digits import DigitsSpec
from ib_analysis.provenance import Job


@pytest.fixture(scope="session")
def prepared_digits(tmp_path_factory):
    """The folder of a prepared data set of so many digits, with its record; made once for each number."""
    folders = {}

    def prepare(images):
        if images not in folders:
            folder = tmp_path_factory.mktemp("digits") / "dataset"
            spec = DigitsSpec(images=images)
            prepare_dataset(Digits(spec), spec, folder)
            Job("test", {}, "0", "cpu", 1).record(folder / "header.json")
            folders[images] = folder
        return folders[images]

    return prepare
