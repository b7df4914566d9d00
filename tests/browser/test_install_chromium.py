"""What `.ci/run` does where there is no Chromium: it installs one from the system's packages, or says why it cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.devtools import NAMES

SCRIPT = Path(__file__).with_name("install_chromium.sh")


@pytest.fixture
def machine(tmp_path):
    """Runs the script where only these stubs and what the script itself needs is on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("bash", "timeout", "mktemp", "tail", "rm"):
        (folder / tool).symlink_to(shutil.which(tool))

    def run(**stubs: str) -> tuple[str, list[str]]:
        for name, body in stubs.items():
            stub = folder / name.replace("_", "-")
            stub.write_text(f'#!{folder}/bash\necho "$@" >> {tmp_path}/calls\n{body}\n')
            stub.chmod(0o755)
        done = subprocess.run(
            [str(folder / "bash"), str(SCRIPT)], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        calls = tmp_path / "calls"
        return done.stdout, calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_installed_where_the_tests_find_a_browser(machine, name):
    assert machine(**{name: "", "apt-get": "exit 1", "id": "echo 0"}) == ("", [])


def test_the_smaller_package_is_installed_in_silence(machine):
    said, calls = machine(apt_get="echo much", id="echo 0")
    assert said == ""
    assert [call.split()[-1] for call in calls] == ["-u", "update", "chromium-headless-shell"]


def test_the_whole_browser_where_the_release_lacks_the_smaller_one(machine):
    said, calls = machine(apt_get='[ "${@: -1}" != chromium-headless-shell ]', id="echo 0")
    assert said == ""
    assert calls[-1].split()[-1] == "chromium"


def test_what_cannot_be_installed_is_said_and_stops_nothing(machine):
    said, _ = machine(apt_get="echo E: no route >&2; exit 100", id="echo 0")
    assert said == "No Chromium: apt-get update: E: no route. The tests of pages in a browser are skipped.\n"


def test_only_root_installs(machine):
    said, calls = machine(apt_get="", id="echo 1000")
    assert said.startswith("No Chromium: only root can install it.")
    assert calls == ["-u"]


def test_a_system_without_apt_is_left_alone(machine):
    assert machine(id="echo 0")[0].startswith("No Chromium: this system has no apt-get.")
