"""Checks of the learner's answers. One file a notebook; each check returns a Report and never raises.

A check of one's own: a function decorated with `verdict.returns_report`, named in its file's `__all__`.
"""
# ruff: noqa: F403

from rnn_lib.exercises import (
    after_gates,
    autograd,
    bptt,
    bptt_in_code,
    by_heart,
    characters,
    classification,
    forward_pass,
    gates,
    gradient_checking,
    lstm_backward,
    shapes,
    sine_wave,
    start_here,
    training_loop,
    vanishing,
)
from rnn_lib.exercises.after_gates import *
from rnn_lib.exercises.autograd import *
from rnn_lib.exercises.bptt import *
from rnn_lib.exercises.bptt_in_code import *
from rnn_lib.exercises.by_heart import *
from rnn_lib.exercises.characters import *
from rnn_lib.exercises.classification import *
from rnn_lib.exercises.forward_pass import *
from rnn_lib.exercises.gates import *
from rnn_lib.exercises.gradient_checking import *
from rnn_lib.exercises.lstm_backward import *
from rnn_lib.exercises.shapes import *
from rnn_lib.exercises.sine_wave import *
from rnn_lib.exercises.start_here import *
from rnn_lib.exercises.training_loop import *
from rnn_lib.exercises.vanishing import *

__all__ = sum((module.__all__ for module in (
    after_gates, autograd, bptt, bptt_in_code, by_heart, characters, classification, forward_pass, gates,
    gradient_checking, lstm_backward, shapes, sine_wave, start_here, training_loop, vanishing)), [])
