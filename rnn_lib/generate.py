"""What a trained network does on its own: each output decides the next input."""

import numpy as np

from rnn_lib.ground.validation import check_array, check_callable, check_has, check_int

__all__ = ["free_run", "generate"]


def generate(model, warm_up, n_steps, next_input):
    """Let the model read `warm_up`, (T, B, I), and go on by itself. Returns the `n_steps` outputs, (n_steps, B, O).

    The model reads the true values of the warm-up, which sets its state. From then on `next_input` makes its input
    from its last output, (1, B, O) -> (1, B, I), and the state is carried over.
    """
    n_steps = check_int("n_steps", n_steps)
    check_has("model", model, "forward", "input_size", "output_size")
    check_callable("next_input", next_input)
    warm_up = check_array("warm_up", warm_up, ("T", "B", model.input_size))
    outputs = [model.forward(warm_up)[-1:]]  # of the first step after the warm-up
    check_has("model", model, "state")  # now, because before its first forward a model has none
    while len(outputs) < n_steps:
        outputs.append(model.forward(next_input(outputs[-1]), model.state))
    return np.concatenate(outputs)


def free_run(model, warm_up, n_steps):
    """Forecast the `n_steps` values that follow `warm_up`, (T, B, I). Returns (n_steps, B, I).

    The model never sees the truth again: each output is the next input.
    """
    check_has("model", model, "forward", "input_size", "output_size")
    if model.input_size != model.output_size:
        sizes = f"got input size {model.input_size} and output size {model.output_size}"
        raise ValueError(f"model: expected outputs that can be fed back as inputs, {sizes}")
    return generate(model, warm_up, n_steps, next_input=lambda output: output)
