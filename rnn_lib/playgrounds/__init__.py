"""Slider panels that retrain live. One file a panel; panel.py holds what they share."""
# ruff: noqa: F401

from rnn_lib.playgrounds.panel import Panel, choice, log_slider, slider
