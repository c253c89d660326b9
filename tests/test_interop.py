"""PyTorch's names for our weights, there and back. What PyTorch computes with them: test_torch_parity.py."""

import numpy as np
import pytest
from oracles import RECURRENT

from rnn_lib import GRU, LSTM, MLP, RNN
from rnn_lib.interop import from_torch_state, to_torch_state


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("Model", RECURRENT)
def test_there_and_back_without_any_difference(Model, dtype):
    model = Model(3, 5, 2, seed=1, dtype=dtype)
    state = to_torch_state(model)
    for kind in (Model, Model.__name__):
        back = from_torch_state(kind, state)
        assert type(back) is Model and back.dtype == dtype
        for name, p in model.params.items():
            np.testing.assert_array_equal(back.params[name], p)
            assert back.params[name].dtype == dtype
    for value in state.values():
        value += 1  # copies: the model does not feel it
    np.testing.assert_array_equal(back.params["W_hh"], model.params["W_hh"])


@pytest.mark.parametrize("Model", [RNN, LSTM])
def test_two_biases_are_summed(Model):
    model = Model(3, 5, 2)
    state = to_torch_state(model)
    assert not state["bias_hh_l0"].any()
    state["bias_hh_l0"] += np.arange(len(state["bias_hh_l0"]))
    back = from_torch_state(Model, state)
    np.testing.assert_array_equal(back.params["b_h"], state["bias_ih_l0"] + state["bias_hh_l0"])


def test_a_grus_two_biases_stay_two():
    state = to_torch_state(GRU(3, 5, 2))
    back = from_torch_state("GRU", state)
    np.testing.assert_array_equal(back.params["b_xh"], state["bias_ih_l0"])
    np.testing.assert_array_equal(back.params["b_hh"], state["bias_hh_l0"])


def test_the_names_and_shapes_are_pytorchs():
    shapes = {name: value.shape for name, value in to_torch_state(LSTM(3, 5, 2)).items()}
    assert shapes == {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5), "bias_ih_l0": (20,), "bias_hh_l0": (20,),
                      "weight": (2, 5), "bias": (2,)}


def test_the_shapes_of_another_kind_are_refused():
    state = to_torch_state(LSTM(3, 5, 2))
    with pytest.raises(ValueError, match=r"weight_ih_l0.*expected shape \(15, 3\), got \(20, 3\)"):
        from_torch_state("GRU", state)


@pytest.mark.parametrize("more", ["weight_ih_l1", "weight_ih_l0_reverse", "weight_hr_l0"])
def test_layers_on_layers_two_directions_and_projections_are_refused(more):
    state = to_torch_state(LSTM(3, 5, 2))
    with pytest.raises(ValueError, match=f"state_dict: expected the names weight_ih_l0, .*{more}"):
        from_torch_state("LSTM", {**state, more: state["bias"]})


def test_an_mlp_has_no_such_names():
    with pytest.raises((TypeError, ValueError), match="^model: "):
        to_torch_state(MLP(2, (3,), 1))
