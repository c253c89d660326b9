"""Figures: arrays in, a Matplotlib Figure out. One file a topic; style.py holds the palette."""
from rnn_lib.plots.training import loss_curves, loss_grid  # noqa: F401
