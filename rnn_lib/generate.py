"""What a trained network does on its own: each output decides the next input."""

import numpy as np

from rnn_lib.data import one_hot
from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_array, check_callable, check_has, check_int, check_labels, check_number
from rnn_lib.losses import softmax

__all__ = ["free_run", "generate", "sample"]


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


def sample(model, warm_up, n_steps, temperature=1.0, top_k=None, seed=0, on_step=None):
    """Let a model of symbols read `warm_up`, whole numbers (T, B), and write on. Returns (n_steps, B) of them.

    Its outputs are logits. Each symbol is drawn from softmax(logits / temperature), and is the next input.

    temperature  0: always the most likely symbol. 1: the model's own probabilities. Above: more alike
    top_k        draw among the k most likely only; None: among all
    seed         decides what is drawn
    on_step      called as on_step(symbols), (B,), after every step
    """
    C = check_has("model", model, "forward", "input_size", "output_size").output_size
    if model.input_size != C:
        raise ValueError(f"model: expected an input and an output for each symbol, got {model.input_size} and {C}")
    n_steps, temperature = check_int("n_steps", n_steps), check_number("temperature", temperature, minimum=0)
    top_k = C if top_k is None else check_int("top_k", top_k, maximum=C)
    warm_up = check_labels("warm_up", warm_up, C, ("T", "B"))
    rng, written = generator(seed, "sample"), []
    if on_step is not None:
        check_callable("on_step", on_step)

    def draw(logits):  # (1, B, C) -> (1, B, C)
        order = np.argsort(-logits[0], axis=-1, kind="stable")[:, :top_k]  # the most likely first
        best = np.take_along_axis(logits[0], order, axis=-1).astype(float)
        p = softmax((best - best[:, :1]) / max(temperature, 1e-6))
        place = (p.cumsum(axis=-1) <= rng.random((len(p), 1))).sum(axis=-1, keepdims=True)
        written.append(np.take_along_axis(order, np.minimum(place, top_k - 1), axis=-1).T)
        if on_step is not None:
            on_step(written[-1][0])
        return one_hot(written[-1], C)

    draw(generate(model, one_hot(warm_up, C), n_steps, draw)[-1:])
    return np.concatenate(written)
