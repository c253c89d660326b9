"""The table of notebook 12, which takes longer than a notebook may: three starts of every network on every task.

    python -m rnn_lib.race      makes rnn_lib/datasets/after_gates.csv again, in ten minutes or more
"""

import csv
from importlib import resources

from rnn_lib.race.running import STEPS, ask, run_race

FILE = resources.files("rnn_lib.datasets").joinpath("after_gates.csv")
COLUMNS = ("task", "model", "lowest", "trained", "seed", "hidden_size", "n_params", "updates", "asked", "right")
NETWORKS = (("RNN", 0.0), ("LSTM", 0.0), ("GRU", 0.0), ("minGRU", 0.0), ("minGRU", -1.0), ("attention", 0.0))
RACES = (  # task, length trained, lengths asked, networks
    ("parity", 20, (20, 100, 1000), NETWORKS),
    ("unmarked recall", 30, (30, 100), NETWORKS),
    ("marked recall", 100, (100, 1000), NETWORKS),
    ("marked recall", 1000, (1000,), (("LSTM", 0.0), ("GRU", 0.0), ("minGRU", 0.0), ("minGRU", -1.0))),
)


def rows():
    """Run every race and yield its rows, one for each length asked."""
    for task, length, lengths, networks in RACES:
        for model, lowest in networks:
            for seed in range(3):
                lr = 0.003 if model == "RNN" else 0.01  # from all three starts
                run = run_race(task, model, length, 1, lowest, seed, STEPS, lr)
                for asked in lengths:
                    right = ask(run.model, task, asked)[-1]
                    yield (task, model, lowest, length, seed, run.model.hidden_size, run.model.n_params, run.steps,
                           asked, f"{right:.3f}")


def load():
    """Return the rows of the stored table as dicts, numbers as numbers."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [{key: value if key in ("task", "model") else float(value) for key, value in row.items()}
                for row in csv.DictReader(file)]


def shares():
    """Return {network: {question: shares of right answers, one for each start}} of the stored table."""
    table = {}
    for row in load():
        if row["task"] == "marked recall" and row["trained"] == 1000:
            continue  # the notebook tells of these
        question = f"{row['task']}\nat {row['asked']:.0f}"
        table.setdefault(network_name(row), {}).setdefault(question, []).append(row["right"])
    return table


def network_name(row):
    """Return what the notebook calls the network of a row."""
    return f"{row['model']}, signed" if row["lowest"] < 0 else row["model"]
