"""Jobs that run at once on a machine with several GPUs have different ones. No GPU is needed: names are enough."""

import fcntl
import os
import select
import subprocess
import sys

import pytest

from ib_analysis import __main__, free_gpu

HOLD = """
import os, sys
from ib_analysis.free_gpu import hold_free_gpu
hold_free_gpu(sys.argv[1])
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def job(tmp_path):
    """Starts a job that holds a GPU until it is ended; returns what it sees, and the job."""
    started = []

    def start(device="cuda", visible="0,1"):
        environment = os.environ | {"TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": visible}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started.append(
            process := subprocess.Popen([sys.executable, "-c", HOLD, device], env=environment, **pipes)
        )
        return process.stdout.readline().strip(), process

    yield start
    for process in started:
        process.communicate()


def test_each_job_sees_a_gpu_of_its_own_and_the_next_one_gets_what_is_free_again(job):
    (first, one), (second, _) = job(), job()
    assert {first, second} == {"0", "1"}
    one.communicate()
    assert job()[0] == first


def test_more_jobs_than_gpus_share_them_evenly(job):
    started = [job() for _ in range(6)]
    assert [gpu for gpu, _ in started] == ["0", "1"] * 3
    for ended in (0, 3, 5):
        started[ended][1].communicate()
    assert job()[0] == "1", "one job holds it, and two hold the other"


def test_jobs_choose_one_after_the_other(tmp_path):
    """Two that count at the same moment would take the same GPU."""
    folder = tmp_path / f"ib-analysis-gpus-{os.getuid()}"
    folder.mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "0,1"}
    with (folder / "choice").open("w") as choice:
        fcntl.flock(choice, fcntl.LOCK_EX)
        command = [sys.executable, "-c", HOLD, "cuda"]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert select.select([process.stdout], [], [], 2.0)[0] == [], (
            "it does not wait for the other's choice"
        )
    assert process.stdout.readline().strip() == b"0"
    process.communicate()


def test_jobs_beyond_all_places_see_all_gpus(job, monkeypatch):
    crowded = "import ib_analysis.free_gpu as free; free.MOST_JOBS_A_GPU = 1"
    monkeypatch.setattr(sys.modules[__name__], "HOLD", crowded + HOLD)
    assert [job()[0] for _ in range(3)] == ["0", "1", "0,1"]


def test_names_of_gpus_are_kept(job):
    assert job(visible="MIG-GPU-1/2/3,GPU-8932f937")[0] == "MIG-GPU-1/2/3"


@pytest.mark.parametrize(
    ("device", "visible"), [("cpu", "0,1"), ("cuda:1", "0,1"), ("cuda", "3"), ("cuda", "")]
)
def test_what_a_job_sees_stays_where_it_needs_none_chose_one_or_has_one(job, device, visible):
    assert job(device, visible)[0] == visible


def test_without_the_variable_all_gpus_of_the_driver_are_counted(tmp_path):
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:02:00.0").mkdir()
    assert free_gpu.visible_gpus({}, tmp_path) == ["0", "1"]
    assert free_gpu.visible_gpus({}, tmp_path / "none") == []


def test_the_command_line_takes_a_gpu_before_the_stage_runs(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(__main__, "hold_free_gpu", asked.append)
    files = ["--verdicts", str(tmp_path / "a"), "--table", str(tmp_path / "b")]
    assert __main__.main(["tabulate_verdicts", "--device", "cuda", "--spec", "{", *files]) == 1
    assert asked == ["cuda"]
