"""Run the course as on other machines: other BLAS kernels, CPU features, threads, packages, another Python.

    python tests/machine_matrix.py                      # every setting, about a minute or two each
    python tests/machine_matrix.py nehalem no-simd      # some of them
    python tests/machine_matrix.py --list

Prints one row a setting. "Arithmetic" is a fingerprint of a matrix product, tanh and exp: settings with different
fingerprints really round differently, and yet every notebook must show what is committed. Exit status 1 if one fails.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from execute_notebooks import ROOT
from numpy._core._multiarray_umath import __cpu_features__

FEATURES = """
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(*[name for name in __cpu_dispatch__ if __cpu_features__.get(name) and name.startswith(%r)])
"""
FINGERPRINT = """
import hashlib, platform
import numpy as np
x = np.random.default_rng(0).normal(size=(100, 100))
digest = hashlib.sha256(x.dot(x.T).tobytes() + np.tanh(x).tobytes() + np.exp(x).tobytes()).hexdigest()[:6]
print(platform.python_version(), np.__version__, digest)
"""


@dataclass(frozen=True)
class Setting:
    """One kind of machine. `needs` are the names, any of which the CPU must have.

    without     the CPU-specific code of NumPy that is switched off: the names, in any version, begin with one of these
    packages    "oldest" or "newest": an environment of its own, with these packages of requirements.txt, and all tests;
                "": this environment, and the notebooks alone
    python      returns the Python to make that environment with
    by_turns    every third notebook, and every third file of unit tests: the commit decides which
    """

    name: str
    says: str
    environment: dict = field(default_factory=dict)
    needs: tuple = ()
    without: tuple = ()
    packages: str = ""
    python: Callable = lambda: sys.executable
    by_turns: bool = False

    def runs_here(self):
        """Whether this CPU can run the setting (OpenBLAS does not check, and crashes)."""
        return not self.needs or any(__cpu_features__.get(name) for name in self.needs)


def other_pythons():
    """Return the newest Python of each other version that the course supports, as found on this machine."""
    found = []
    for minor in range(11, 20):
        name = f"python3.{minor}"
        of_pyenv = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"), reverse=True)
        for path in filter(None, [shutil.which(name), *of_pyenv]):
            asked = [path, "-c", "import ensurepip, sys, venv; print(sys.version_info.minor)"]
            answer = subprocess.run(asked, capture_output=True, text=True)
            if minor != sys.version_info.minor and answer.stdout.strip() == str(minor):
                found.append(path)
                break
    return found


@cache
def another_python():
    """Return one of the other Pythons (if there is none, this one): they take turns."""
    found = other_pythons() or [sys.executable]
    return found[turn() % len(found)]


@cache
def turn():
    """Return a number by which a run takes its turn: the commit's, so that one that fails can be run again."""
    commit = ""
    if shutil.which("git"):
        command = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]  # says nothing where there is no commit
        commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    return int(commit[:8] or "0", 16)


def files_of(setting):
    """Return what pytest is to test under a setting; nothing means everything."""
    if not setting.by_turns:
        return [] if setting.packages else ["notebooks"]
    first = turn() // max(1, len(other_pythons())) % 3  # so that each third meets each Python
    notebooks = [path for path in sorted((ROOT / "notebooks").rglob("*.ipynb")) if path.parent.name[0] != "."]
    return [*notebooks[first::3], *sorted((ROOT / "tests").glob("test_*.py"))[first::3]]


LIMIT = 1800  # seconds for one setting: what hangs is ended and reported


def openblas(kernels):
    """Return the environment that chooses OpenBLAS's kernels for a CPU.

    With the size of its second cache in kB: some virtual machines hide it, and then OpenBLAS 0.3.34 crashes.
    """
    return {"OPENBLAS_CORETYPE": kernels, "OPENBLAS_L2_SIZE": "512"}


NEHALEM, NEHALEM_NEEDS = openblas("Nehalem"), ("SSE42", "X86_V2")  # the oldest CPU on which NumPy 2.5 starts
HASWELL, HASWELL_NEEDS = openblas("Haswell"), ("AVX2", "X86_V3")  # most learners' laptops
ALL, AVX512 = ("",), ("AVX512", "X86_V4")
SETTINGS = [
    Setting("default", "this environment as it is"),
    Setting("nehalem", "OpenBLAS's kernels of 2008", NEHALEM, NEHALEM_NEEDS),
    Setting("haswell", "OpenBLAS's kernels with AVX2", HASWELL, HASWELL_NEEDS),
    Setting("skylakex", "OpenBLAS's kernels with AVX-512", openblas("SkylakeX"), ("AVX512F", "X86_V4")),
    Setting("no-simd", "NumPy without its CPU-specific code", without=ALL),
    Setting("oldest-cpu", "nehalem and no-simd at once", NEHALEM, NEHALEM_NEEDS, without=ALL),
    Setting("one-thread", "matrix products on one thread", {"OPENBLAS_NUM_THREADS": "1"}),
    Setting("two-threads", "matrix products on two threads", {"OPENBLAS_NUM_THREADS": "2"}),
    Setting("oldest", "the oldest packages that requirements.txt allows", packages="oldest"),
    Setting("newest", "the newest packages that requirements.txt allows", packages="newest"),
    # Its new environment has no PyTorch: there notebook 11 shows what it shows in .ci/run's own, which has. The other
    # two thirds come with other commits; "newest" and the workflow run all.
    Setting("another-python", "one of the other Pythons here (the commit decides which), as on a CPU with AVX2 alone",
            HASWELL if any(map(__cpu_features__.get, HASWELL_NEEDS)) else {}, without=AVX512, packages="newest",
            python=another_python, by_turns=True),
]


def requirements(packages):
    """Return the lines of requirements.txt; for "oldest" every range as its lower end."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8").replace("-e .", f"-e {ROOT.as_posix()}")
    return re.sub(r">=([\w.]+),<[\w.]+", r"==\1", text) if packages == "oldest" else text


def make_environment(python, packages, folder):
    """Create a virtual environment with those packages and return its Python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = folder / "requirements.txt"
    wanted.write_text(requirements(packages), encoding="utf-8")
    command = [python, "-m", "pip", "install", "-q", "--no-compile", "--upgrade", "-r", wanted]
    for pause in (20, 0):  # a second chance for what asks the network
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0:
            return python
        time.sleep(pause)
    raise SystemExit(f"the {packages} packages cannot be installed:\n{result.stderr}")


def run(setting, folder, workers):
    """Run nbval (with other packages: unit tests, too) under a setting. Return (row, report if it failed)."""
    environment = os.environ | setting.environment
    python = setting.python()
    if setting.packages:
        python = make_environment(python, setting.packages, folder / setting.name)

    def ask(question):
        command = [python, "-c", question]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    if setting.without:
        environment["NPY_DISABLE_CPU_FEATURES"] = ask(FEATURES % (setting.without,)).strip()  # in that NumPy's words
    facts = ask(FINGERPRINT)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "-m", "not browser"]
    command += ["-n", str(workers)] if workers else []
    started = time.monotonic()
    command = ["timeout", "-k", "30", str(LIMIT), *command] if shutil.which("timeout") else command
    result = subprocess.run([*command, *files_of(setting)], cwd=ROOT, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - started
    summary = (result.stdout.strip().splitlines() or [""])[-1]
    counts = {word: number for number, word in re.findall(r"(\d+) (passed|failed|errors?)", summary)}
    failed = sum(int(number) for word, number in counts.items() if word != "passed")
    if result.returncode and not failed:
        failed = "run broke"
    row = (setting.name, *facts.split(), counts.get("passed", "0"), str(failed), f"{seconds:.0f}")
    return row, "" if result.returncode == 0 else result.stdout + result.stderr


def main():
    """Run the settings named on the command line; return 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="*", help="names of settings (default: all)")
    parser.add_argument("--workers", type=int, help="tests at a time (default: as pytest is configured)")
    parser.add_argument("--list", action="store_true", help="list the settings and stop")
    options = parser.parse_args()
    unknown = set(options.settings) - {setting.name for setting in SETTINGS}
    if unknown:
        parser.error(f"unknown settings {', '.join(sorted(unknown))}; --list shows the known ones")
    if options.list:
        print("\n".join(f"{setting.name:16}{setting.says}" for setting in SETTINGS))
        return 0

    widths = (16, 9, 8, 11, 7, 10, 8)
    header = ("setting", "Python", "NumPy", "arithmetic", "passed", "failed", "seconds")
    print("".join(text.ljust(width) for text, width in zip(header, widths, strict=True)), flush=True)
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        for setting in SETTINGS:
            if options.settings and setting.name not in options.settings:
                continue
            if not setting.runs_here():
                print(f"{setting.name:16}not on this CPU: needs {' or '.join(setting.needs)}", flush=True)
                continue
            row, report = run(setting, Path(folder), options.workers)
            print("".join(text.ljust(width) for text, width in zip(row, widths, strict=True)), flush=True)
            if report:
                reports[setting.name] = report
    for name, report in reports.items():
        print(f"\n===== {name}\n{report}")
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main())
