"""Checks of the learner's answers. One file a notebook; each check returns a Report and never raises."""
from rnn_lib.exercises.bptt import (  # noqa: F401
    check_back_through_sigmoid,
    check_count_paths,
    check_loss_of_nudge,
    check_pencil_dz,
    check_zero_gradients,
)
from rnn_lib.exercises.bptt_in_code import (  # noqa: F401
    check_backward,
    check_batch_factors,
    check_initial_state_gradient,
    check_weight_gradients,
)
from rnn_lib.exercises.classification import (  # noqa: F401
    check_first_loss,
    check_last_step_gradient,
    check_softmax,
    check_softmax_gradient,
    check_whole_digit,
)
from rnn_lib.exercises.forward_pass import (  # noqa: F401
    check_forward,
    check_memory_length,
    check_step,
    check_trial,
    check_which_outputs_change,
)
from rnn_lib.exercises.gradient_checking import (  # noqa: F401
    MysteryRNN,
    check_blind_spots,
    check_central_gradient,
    check_complex_step,
    check_diagnosis,
    check_relative_error,
    mystery_patient,
)
from rnn_lib.exercises.shapes import (  # noqa: F401
    check_careful_mse,
    check_count_params,
    check_shapes,
    check_step_columns,
    check_time_major,
)
from rnn_lib.exercises.sine_wave import (  # noqa: F401
    check_adam_step,
    check_free_run,
    check_split,
    check_training_loop,
    check_windows,
)
