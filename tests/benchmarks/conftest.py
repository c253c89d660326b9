"""One BLAS thread for NumPy, and the tables at the end of the run."""

import os
import sys

import pytest

if "numpy" in sys.modules and os.environ.get("OPENBLAS_NUM_THREADS") != "1":
    raise RuntimeError("NumPy has been imported, and has chosen its threads: set OPENBLAS_NUM_THREADS=1")
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

TABLES = pytest.StashKey()


def pytest_configure(config):
    config.stash[TABLES] = {}


@pytest.fixture
def table(request):
    """table(title, header, row) adds a row to a table that is printed when all is done."""
    def add(title, header, row):
        request.config.stash[TABLES].setdefault(title, [header]).append(row)
    return add


def pytest_terminal_summary(terminalreporter, config):
    for title, rows in config.stash[TABLES].items():
        terminalreporter.section(title)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            terminalreporter.line("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
