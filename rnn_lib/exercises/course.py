"""Which exercise belongs to which notebook, and what its check is given there."""

__all__ = ["EXERCISES"]

# {notebook: {check: the name in the notebook that holds the learner's answer}}
EXERCISES = {
    "00_start_here": {},
    "01_forward_pass": {
        "check_which_outputs_change": "answer", "check_step": "step", "check_forward": "forward",
        "check_memory_length": "memory_length",
    },
    "02_shapes": {
        "check_shapes": "shapes", "check_count_params": "count_params", "check_time_major": "time_major",
        "check_step_columns": "step_columns", "check_careful_mse": "careful_mse",
    },
    "03_bptt_derivation": {
        "check_loss_of_nudge": "loss_of_nudge", "check_zero_gradients": "all_zero",
        "check_pencil_dz": "dz_2_by_pencil", "check_back_through_sigmoid": "back_through_sigmoid",
        "check_count_paths": "count_paths",
    },
    "04_bptt_in_code": {
        "check_batch_factors": "factors", "check_initial_state_gradient": "initial_state_gradient",
        "check_weight_gradients": "weight_gradients", "check_backward": "backward",
        "check_stacked_gradients": "stacked_gradients",
    },
    "05_gradient_checking": {
        "check_blind_spots": "missed", "check_central_gradient": "central_gradient",
        "check_complex_slope": "complex_slope", "check_relative_error": "my_relative_error",
        "check_diagnosis": "diagnosis",
    },
    "06_sine_wave": {
        "check_windows": "make_windows", "check_training_loop": "train_network", "check_adam_step": "adam_step",
        "check_free_run": "run_free", "check_split": "split",
    },
    "07_one_hot_classification": {
        "check_softmax": "my_softmax", "check_softmax_gradient": "softmax_gradient", "check_pushes": "pushes",
        "check_learns_by_heart": "learns_by_heart", "check_last_real_gradient": "last_real_gradient",
    },
    "08_vanishing_gradients": {
        "check_jacobian": "jacobian", "check_claims": "claims", "check_clip": "clip", "check_radius": "radius",
        "check_truncated": "truncated",
    },
    "09_gates": {
        "check_lstm_step": "lstm_step", "check_gate_counts": "counts", "check_lstm_backward": "backward",
        "check_open_roads": "reaches", "check_lag_bias": "bias",
    },
    "10_character_model": {
        "check_measures": "measures", "check_bigram_losses": "bigram_losses", "check_draw": "draw",
        "check_temper": "temper", "check_top_k": "top_k",
    },
    "11_autograd_and_pytorch": {
        "check_back_through_divide": "back_through_divide", "check_undo_broadcast": "undo",
        "check_from_keras": "from_keras", "check_mystery_network": "mistake",
    },
    "12_after_the_gates": {
        "check_walk_by_scan": "walk_by_scan", "check_mingru_backward": "backward", "check_race": "predictions",
        "check_modulo_three": "params",
    },
}
