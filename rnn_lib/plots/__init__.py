"""Figures: arrays in, a Matplotlib Figure out. One file a topic; style.py holds the palette."""
from rnn_lib.plots.after_gates import accuracy_table, scan_rounds  # noqa: F401
from rnn_lib.plots.characters import coloured_text, looking_back, perplexities  # noqa: F401
from rnn_lib.plots.classification import (  # noqa: F401
    class_probabilities,
    confusion_matrix,
    digit_as_sequence,
    digit_images,
)
from rnn_lib.plots.clinic import careers, patient, step_errors, symptoms, two_losses  # noqa: F401
from rnn_lib.plots.forecast import curves, forecasts, stacked_series, windows_on_timeline  # noqa: F401
from rnn_lib.plots.gates import by_length, gate_map, planes, recall, registers  # noqa: F401
from rnn_lib.plots.gradients import backward_walk, shortened_formulas  # noqa: F401
from rnn_lib.plots.sequences import before_and_after, pulse_memory, state_map  # noqa: F401
from rnn_lib.plots.training import loss_curves, loss_grid  # noqa: F401
from rnn_lib.plots.vanishing import by_lag, cliff, descents  # noqa: F401
from rnn_lib.plots.words import say  # noqa: F401
