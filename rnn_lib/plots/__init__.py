"""Figures: arrays in, a Matplotlib Figure out. One file a topic; style.py holds the palette."""
