"""Notebook 12's race: who remembers, who counts? A run, attention as a rival, and the stored table."""

from rnn_lib.race.attention import Attention
from rnn_lib.race.running import ask, draw_sequences, make_racer, open_gates, run_race, teach
from rnn_lib.race.table import load, shares

__all__ = ["Attention", "ask", "draw_sequences", "load", "make_racer", "open_gates", "run_race", "shares", "teach"]
