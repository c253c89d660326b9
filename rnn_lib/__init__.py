"""Recurrent neural networks from scratch in NumPy, every gradient checked."""

from rnn_lib.mlp import MLP
from rnn_lib.rnn import RNN

__all__ = ["MLP", "RNN"]
