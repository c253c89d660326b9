"""Slider panels that retrain live. One file a panel; panel.py holds what they share."""
