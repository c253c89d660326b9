"""Checks of the learner's answers. One file a notebook; each check returns a Report and never raises."""
