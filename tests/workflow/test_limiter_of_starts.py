"""Snakemake looks at all waiting jobs again at each timer of its limiter of starts: none runs unless asked for."""

import pytest

NOTED = """
import threading
class Timer(threading.Timer):
    def __init__(self, seconds, function):
        open("timers", "a").write(f"{seconds}\\n")
        super().__init__(seconds, function)
threading.Timer = Timer
"""


@pytest.mark.parametrize(("asked", "seconds"), [([], []), (["--max-jobs-per-timespan", "50/2s"], ["2.0"])])
def test_no_timer_runs_unless_a_limit_is_asked_for(new_laboratory, asked, seconds):
    laboratory = new_laboratory()
    (laboratory.folder / "sitecustomize.py").write_text(NOTED)
    run = laboratory.snakemake("workflow/config/demo.yaml", "results/demo/dataset/header.json", *asked)
    assert run.returncode == 0, run.stderr
    timers = laboratory.folder / "timers"
    found = timers.read_text().split() if timers.exists() else []
    assert sorted(set(found)) == seconds
