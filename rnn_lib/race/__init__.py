"""Notebook 12's race: who remembers, who counts? A run, attention as a rival, and the stored table."""

from rnn_lib.race.attention import Attention
from rnn_lib.race.running import ask, draw_sequences, long_memory, make_racer, run_race, teach
from rnn_lib.race.table import load, shares

__all__ = ["Attention", "ask", "draw_sequences", "load", "long_memory", "make_racer", "run_race", "shares", "teach"]
