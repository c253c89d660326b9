"""For all tests: matrix products take one thread, and what the browser tests measured is printed at the end."""

import gc
import os
import statistics
import threading

import numpy  # noqa: F401  its BLAS must be there to be limited
from threadpoolctl import threadpool_limits
from tqdm import tqdm

# Several tests run at a time, and at their sizes a second thread of BLAS costs up to twice the time. A plugin may have
# loaded NumPy already, which then hears no environment; PyTorch, and the processes that tests start, do.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")
threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]), user_api="blas")

# By default all processes forked from this one share a lock: one that is killed while it holds the lock, as happens in
# mutation testing, would hang the others.
tqdm.set_lock(threading.RLock())


def pytest_collection_finish():
    """What is imported and collected stays until the end: a search for garbage need not look there."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """Print the table of the panels' times, also when the tests ran in several processes."""
    reports = [report for group in terminalreporter.stats.values() for report in group if hasattr(report, "when")]
    measured = [item for report in reports if report.when == "call" for item in report.user_properties]
    rows = [value for name, value in measured if name == "release to painted page, ms" and value[1]]
    parts = [value for name, value in measured if name == "parts, ms"]
    if rows:
        rows = sorted(rows) + [["all", [time for _, times in rows for time in times]]]
        terminalreporter.section("release of a slider to the painted page, ms")
        terminalreporter.line(f"{'panel':<45}{'moves':>7}{'median':>8}{'95 %':>7}{'most':>7}")
        for panel, times in rows:
            percentile = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
            terminalreporter.line(
                f"{panel:<45}{len(times):>7}{statistics.median(times):>8.0f}{percentile:>7.0f}{max(times):>7}"
            )
    if parts:
        terminalreporter.line(f"\n{'medians of its parts, ms':<30}" + "".join(f"{part:>11}" for part in parts[0][1]))
        for panel, medians in parts:
            terminalreporter.line(f"{panel:<30}" + "".join(f"{value:>11.0f}" for value in medians.values()))
    busy = [value for name, value in measured if name == "not idle"]
    if busy:
        terminalreporter.line(f"the machine was not idle, so that the targets were not asked for: {', '.join(busy)}")
    for panel, before, after in (value for name, value in measured if name == "kernel memory, MB"):
        terminalreporter.line(f"kernel memory over the moves of {panel}: {before} MB before, {after} MB after")
    for panel, pictures, late in (value for name, value in measured if name == "pictures in a drag"):
        terminalreporter.line(f"drag of {panel}: {pictures:.0f} pictures a second, the last after {late:.0f} ms")
