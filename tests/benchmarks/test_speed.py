"""How long a training step takes, beside a plain loop, PyTorch and the floor; how cost and memory grow.

    python -m pytest tests/benchmarks -n0

About five minutes. Needs the development extra (`pip install -e .[dev] torch`) and an idle machine. Prints the tables
and writes images/speed.svg.
"""

import statistics
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from contestants import (
    MODELS,
    Problem,
    floor,
    interleaved,
    ours,
    plain_loop,
    pytorch,
    race,
    ratio,
    unchecked,
)
from unchecked import UNCHECKED

from rnn_lib.plots.style import BASELINE, HIDDEN, INPUT, OUTPUT, label_ends, new_figure

# (T, B, I, H, O): the largest part of PyTorch's time, one thread, float32, that a step of ours may take
LIMITS = {
    "RNN": {
        (25, 1, 1, 16, 1): 0.13,
        (50, 8, 1, 32, 1): 0.15,
        (25, 1, 65, 100, 65): 0.22,
        (50, 32, 8, 64, 8): 0.38,
        (100, 64, 32, 128, 32): 0.78,
        (200, 64, 128, 512, 128): 0.95,
    },
    # PyTorch's LSTM in float32 is one fused kernel, its GRU is not. (In float64 neither is: ours takes a tenth there.)
    "LSTM": {(25, 1, 1, 16, 1): 0.7, (50, 8, 1, 32, 1): 1.25, (25, 1, 65, 100, 65): 0.8, (50, 8, 65, 100, 65): 0.9},
    "GRU": {(25, 1, 1, 16, 1): 0.4, (50, 8, 1, 32, 1): 0.4, (25, 1, 65, 100, 65): 0.4, (50, 8, 65, 100, 65): 0.6},
}


# the largest time of a step, over that of the same mathematics without any check
CHECKS = {
    (25, 1, 1, 16, 1): 1.25,
    (50, 8, 1, 32, 1): 1.20,
    (25, 1, 65, 100, 65): 1.20,
    (50, 32, 8, 64, 8): 1.10,
    (100, 64, 32, 128, 32): 1.10,
    (200, 64, 128, 512, 128): 1.10,
}


LARGEST = (200, 64, 128, 512, 128)  # a network with gates would need minutes there


def show(seconds):
    return f"{1e6 * seconds:.0f} µs" if seconds < 1e-3 else f"{1e3 * seconds:.3g} ms"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model, sizes", [
    (model, sizes) for model in MODELS for sizes in {**LIMITS["RNN"], **LIMITS[model]}
    if model == "RNN" or sizes != LARGEST], ids=str)
def test_training_step(model, sizes, dtype, benchmark, table):
    problem = Problem(*sizes, dtype)
    steps = {"ours": ours(problem, model), "PyTorch": pytorch(problem, model)}
    if model == "RNN":
        steps |= {"plain loop": plain_loop(problem), "floor": floor(problem)}
    times = race(steps)
    ratios = {name: ratio(times, "ours", name) for name in steps if name != "ours"}
    # Two threads race alone against ours: their pool would disturb the others.
    again = race({"ours": steps["ours"], "PyTorch": pytorch(problem, model, threads=2)}, seconds=1)
    ratios["PyTorch, 2 threads"] = ratio(again, "ours", "PyTorch")
    limit = LIMITS[model].get(sizes) if dtype == "float32" else None
    table(
        f"a training step of {model}, {dtype}: our time, and our time over that of the others",
        ("T, B, I, H, O", "ours", "/ PyTorch", "limit", "/ PyTorch, 2 threads", "/ plain loop", "/ floor"),
        (", ".join(map(str, sizes)), show(statistics.median(times["ours"])), f"{ratios['PyTorch']:.3f}",
         f"{limit or '':}", *(f"{ratios[name]:.2f}" if name in ratios else "" for name in
                              ("PyTorch, 2 threads", "plain loop", "floor"))),
    )
    benchmark.extra_info.update(ratios)
    benchmark.pedantic(steps["ours"], rounds=5, iterations=1)
    assert limit is None or ratios["PyTorch"] <= limit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model, sizes", [(model, sizes) for model in MODELS for sizes in CHECKS
                                          if model == "RNN" or sizes != LARGEST], ids=str)
def test_checks_cost_little(model, sizes, dtype, table):
    """Interleaved one to one with a PyTorch step between."""
    problem, limit = Problem(*sizes, dtype), CHECKS[sizes] if model == "RNN" else 1.25
    found = interleaved(ours(problem, model), unchecked(problem, model), pytorch(problem, model))
    table(f"a training step of {model} over the same mathematics without checks",
          ("T, B, I, H, O", "", "ratio", "limit"),
          (", ".join(map(str, sizes)), dtype, f"{found:.2f}", f"{limit:.2f}"))
    assert found <= limit


@pytest.mark.parametrize("model", MODELS)
def test_the_unchecked_do_the_same_mathematics(model):
    problem = Problem(5, 3, 2, 4, 3, "float64")
    X, dY = problem.data()
    rival = MODELS[model][0](problem.I, problem.H, problem.O)
    forward, backward = UNCHECKED[model]
    Y, left = forward(rival.params, X)
    np.testing.assert_allclose(Y, rival.forward(X), rtol=1e-13)
    grads = backward(rival.params, X, left, dY)
    assert grads.keys() == rival.params.keys()
    for name, g in rival.backward(dY).items():
        np.testing.assert_allclose(grads[name], g, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("model", MODELS)
def test_cost_grows_in_proportion_to_time_steps(model, table):
    lengths = [50, 100, 200, 400, 800]
    times = race({T: ours(Problem(T, 16, 8, 64, 8), model) for T in lengths})
    per_step = {T: statistics.median(times[T]) / T for T in lengths}
    for T in lengths:
        table(f"{model}: cost against T at B = 16, H = 64", ("T", "time", "time / T"),
              (str(T), show(per_step[T] * T), show(per_step[T])))
    assert max(per_step.values()) < 1.5 * min(per_step.values())


@pytest.mark.parametrize("model", MODELS)
def test_memory(model, table):
    """In units of one array of T·B·H numbers, at sizes where those are all that counts."""
    peaks = {}
    for T in (50, 100, 200):
        B, H = 64, 256
        step = ours(Problem(T, B, 1, H, 1), model)
        step()
        tracemalloc.start()
        step()
        step()
        alive, peak = (value / (T * B * H * np.dtype(np.float32).itemsize) for value in tracemalloc.get_traced_memory())
        tracemalloc.stop()
        peaks[T] = peak
        table(f"{model}: memory, in arrays of T·B·H numbers, at B = {B}, H = {H}", ("T", "peak", "kept after the step"),
              (str(T), f"{peak:.2f}", f"{alive:.2f}"))
    assert max(peaks.values()) < {"RNN": 3.6, "LSTM": 19, "GRU": 14}[model] and peaks[50] / peaks[200] < 1.04


def test_figure(table):
    """Time against hidden size, for the README."""
    hidden_sizes = [8, 16, 32, 64, 128, 256, 512, 1024]
    makers = {"plain NumPy loop": plain_loop, "PyTorch": pytorch, "this course": ours, "products and tanh alone": floor}
    times = {name: [] for name in makers}
    for H in hidden_sizes:
        raced = race({name: make(Problem(50, 8, 8, H, 8)) for name, make in makers.items()})
        for name in makers:
            times[name].append(1e3 * statistics.median(raced[name]))
        table("a training step against hidden size, T = 50, B = 8", ("H", *makers),
              (str(H), *(f"{times[name][-1]:.3g} ms" for name in makers)))

    wins = [H for H, t, u in zip(hidden_sizes, times["this course"], times["PyTorch"], strict=True) if t < u]
    factor = max(u / t for t, u in zip(times["this course"], times["PyTorch"], strict=True))
    behind = [H for H in hidden_sizes if H not in wins]
    end = f"it catches up at {behind[0]} units" if behind else f"ahead up to {hidden_sizes[-1]} units"
    figure, axis = new_figure(width=8.0, height=3.8)
    styles = {"plain NumPy loop": (BASELINE, "--"), "PyTorch": (INPUT, "-."), "this course": (HIDDEN, "-"),
              "products and tanh alone": (OUTPUT, ":")}
    for name, (colour, line) in styles.items():
        axis.loglog(hidden_sizes, times[name], line, color=colour, marker="o", markersize=4, label=name)
    axis.set_xticks(hidden_sizes, map(str, hidden_sizes))
    axis.minorticks_off()
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set(xlabel="hidden units H", ylabel="time of a training step (ms)")
    axis.set_title(f"Up to {factor:.0f} times as fast as PyTorch; {end}")
    label_ends(axis)
    figure.savefig(Path(__file__).parents[2] / "images" / "speed.svg", metadata={"Date": None})
    assert wins
