"""What `import ib_analysis` offers, and what it costs."""

import subprocess
import sys

import numpy as np
import pytest

import ib_analysis
from ib_analysis import estimate_information
from ib_analysis.errors import UserError

HEAVY = ("torch", "numpy", "matplotlib", "scipy", "sklearn")


def test_the_import_loads_nothing_heavy():
    code = f"import sys, ib_analysis; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_name_that_is_offered_is_there_and_another_is_none():
    for name in ib_analysis.__all__:
        assert callable(getattr(ib_analysis, name))
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        _ = ib_analysis.analyze


def test_an_estimate_lies_at_the_truth():
    x, noise = np.random.default_rng(1).normal(size=(2, 1500))
    found = estimate_information(x, x + noise)
    assert abs(found.value - np.log(2) / 2) < 4 * found.stderr


def test_an_unknown_method_is_one_sentence():
    with pytest.raises(UserError, match="ksgg"):
        estimate_information([1.0], [1.0], method="ksgg")
