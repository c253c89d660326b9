"""Slider panels that retrain live. One file a panel; panel.py holds what they share."""
# ruff: noqa: F401

from rnn_lib.bugs.examination import TASKS, examine
from rnn_lib.playgrounds.backward_walk import backward_walk_panel, draw_backward_walk, run_backward_walk, walk_table
from rnn_lib.playgrounds.classification import classification_panel, draw_classifier, train_classifier
from rnn_lib.playgrounds.cliff import cliff_panel, descend_cliff, draw_cliff, one_unit, one_unit_loss, run_cliff
from rnn_lib.playgrounds.clinic import clinic_panel, draw_clinic
from rnn_lib.playgrounds.gates import draw_recall, recall_panel, train_recall
from rnn_lib.playgrounds.lag import draw_lag, lag_panel, run_lag, sheared
from rnn_lib.playgrounds.panel import Panel, choice, log_slider, slider, text_box
from rnn_lib.playgrounds.race import draw_race, race_panel, run_race
from rnn_lib.playgrounds.shapes import draw_shapes, run_shapes, shapes_panel
from rnn_lib.playgrounds.sine import draw_sine, sine_panel, train_sine
from rnn_lib.playgrounds.units import FOLLOWED, draw_units, inside, run_units, scores, units_panel, writer_states
from rnn_lib.playgrounds.unroll import draw_unroll, run_unroll, unroll_panel
from rnn_lib.playgrounds.writer import load_writer, share_of_words, write, writer_panel
