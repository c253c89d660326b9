"""The same weights in PyTorch: dicts of NumPy arrays under PyTorch's own names. PyTorch itself is not needed."""

import numpy as np

from rnn_lib.ground.validation import check_array, check_choice, describe
from rnn_lib.gru import GRU
from rnn_lib.lstm import LSTM
from rnn_lib.rnn import RNN

__all__ = ["from_torch_state", "to_torch_state"]

KINDS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
TORCH_NAMES = {  # the first four are a recurrent layer's, the last two a linear layer's
    "W_xh": "weight_ih_l0", "W_hh": "weight_hh_l0", "b_xh": "bias_ih_l0", "b_hh": "bias_hh_l0",
    "W_hy": "weight", "b_y": "bias",
}


def to_torch_state(model):
    """Return the parameters of an RNN, LSTM or GRU as copies under PyTorch's names: {name: array}.

    The names that end in `_l0` belong to `torch.nn.RNN`, `LSTM` or `GRU`, `weight` and `bias` to the `torch.nn.Linear`
    on top. Shapes and the order of the gates are the same there. PyTorch adds two biases up in every recurrent layer;
    where this course has one, `b_h`, it becomes `bias_ih_l0`, and `bias_hh_l0` is zero.
    """
    if not isinstance(model, tuple(KINDS.values())):
        raise TypeError(f"model: expected an RNN, LSTM or GRU, got {describe(model)}")
    params = dict(model.params)
    if "b_h" in params:
        params["b_xh"] = params.pop("b_h")
        params["b_hh"] = np.zeros_like(params["b_xh"])
    return {theirs: params[ours].copy() for ours, theirs in TORCH_NAMES.items()}


def from_torch_state(kind, state_dict):
    """Return the model of this kind, RNN, LSTM or GRU (the class or its name), that has these parameters.

    state_dict  {PyTorch's name: array}, as `to_torch_state` returns it: the state_dict of one recurrent layer in one
                direction and that of a `torch.nn.Linear`, put together. Tensors on the CPU will do

    Two biases that PyTorch adds up become their sum. The model is float32 if `weight_hh_l0` is, else float64.
    """
    if not (isinstance(kind, type) and kind in KINDS.values()):
        kind = KINDS[check_choice("kind", kind, KINDS)]
    if not hasattr(state_dict, "keys"):
        raise TypeError(f"state_dict: expected a dict of arrays by PyTorch's names, got {describe(state_dict)}")
    if set(state_dict) != set(TORCH_NAMES.values()):
        came = ", ".join(map(str, state_dict)) or "none"
        raise ValueError(f"state_dict: expected the names {', '.join(TORCH_NAMES.values())}, got {came}")
    W_xh, W_hh, W_hy = [check_array(f"state_dict[{name!r}]", state_dict[name], ("out", "in"))
                        for name in ("weight_ih_l0", "weight_hh_l0", "weight")]
    dtype = np.float32 if W_hh.dtype == np.float32 else np.float64
    model = kind(W_xh.shape[1], W_hh.shape[1], len(W_hy), dtype=dtype)
    expected = to_torch_state(model)
    values = {ours: check_array(f"state_dict[{theirs!r}]", state_dict[theirs], expected[theirs].shape, dtype)
              for ours, theirs in TORCH_NAMES.items()}
    if "b_h" in model.params:
        values["b_h"] = values.pop("b_xh") + values.pop("b_hh")
    return model.set_params(values)
