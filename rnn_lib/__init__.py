"""Recurrent neural networks from scratch in NumPy, every gradient checked."""

import importlib
import sys

if sys.version_info < (3, 11):  # noqa: UP036  pip would say so, too: a clone that is only opened asks no pip
    raise ImportError(f"rnn_lib needs Python 3.11 or newer, and this is {sys.version.split()[0]}")

from rnn_lib.ground.memory import keep_freed_memory
from rnn_lib.gru import GRU
from rnn_lib.lstm import LSTM
from rnn_lib.mingru import MinGRU
from rnn_lib.mlp import MLP
from rnn_lib.rnn import RNN

__version__ = "0.2.0"
__all__ = ["GRU", "LSTM", "MLP", "MinGRU", "RNN"]

MODULES = (
    "activations", "bugs", "data", "exercises", "generate", "gradcheck", "initialization", "interop", "losses", "ngram",
    "nudge", "optim", "playgrounds", "plots", "race", "saliency", "training",
)

keep_freed_memory()


def __getattr__(name):
    """Import a module of the library when it is first asked for: `rnn_lib.data` needs no import of its own."""
    if name in MODULES:
        return importlib.import_module(f"rnn_lib.{name}")
    raise AttributeError(f"module rnn_lib has no attribute {name!r}")


def __dir__():
    """All that can be asked for."""
    return sorted({*globals(), *MODULES})
