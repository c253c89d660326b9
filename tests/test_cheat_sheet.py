"""images/cheat_sheet.svg: every equation and every line of code on it is read from the picture, run, and compared.

The equations are for columns and one sequence, the code is for rows and a batch. Both must find what `forward` and
`backward` of the library find.
"""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from execute_notebooks import ROOT

from rnn_lib import GRU, LSTM, RNN
from rnn_lib.activations import sigmoid
from rnn_lib.losses import cross_entropy_loss, mse_loss, softmax

SVG = "{http://www.w3.org/2000/svg}"
SHEET = ET.parse(ROOT / "images" / "cheat_sheet.svg").getroot()
NETWORKS = {"RNN": (RNN, ""), "LSTM": (LSTM, "ifgo"), "GRU": (GRU, "rzn")}  # and the blocks of their weights
T, I, H, O = 5, 4, 2, 6
TOKEN = re.compile(r"(?P<name>[A-Za-zσΣ]+(_\{[^}]*\})?)|(?P<number>\d)|\^\{(?P<script>.)\}|(?P<other>\S)")
FUNCTIONS = {"tanh": np.tanh, "σ": sigmoid, "softmax": lambda z: softmax(z.T).T}


def markup(text):
    """The text of an equation, with its subscripts as _{...} and its superscripts as ^{...}."""
    script = {"sub": "_{%s}", "sup": "^{%s}"}
    spans = ((script.get(span.get("class"), "%s") % span.text) + (span.tail or "") for span in text)
    return ((text.text or "") + "".join(spans)).replace("−", "-")


def texts(parent, kind):
    return [markup(text) for text in parent.iter(f"{SVG}text") if text.get("class") == kind]


def half(name, side):
    """The forward or the backward half of a network's band."""
    return SHEET.find(f".//{SVG}g[@id='{name}']/{SVG}g[@class='{side}']")


def to_python(equation):
    """(name, expression) of an equation about columns, (n, 1): W_{xh} x_t becomes v["W_xh"] @ v["x_t"]."""
    left, right = equation.split(" = ")
    expression, complete = "", False  # complete: a value has just ended, so one that follows is multiplied by it
    for token in TOKEN.finditer(right):
        name, script, text = token["name"], token["script"], token[0]
        if name in ("Σ_{t}", "TBO", "TB"):
            expression += {"TBO": "T * B * O", "TB": "T * B"}.get(name, "")
        elif script:
            expression += {"⊤": ".T", "2": "**2"}[script]
        elif name or text == "(" or token["number"]:
            called = expression.endswith(tuple(FUNCTIONS)) and text == "("
            expression += {True: " * " if expression[-1:].isdigit() else " @ "}.get(complete and not called, "")
            expression += text if name in FUNCTIONS or not name else f'v["{name.replace("{", "").replace("}", "")}"]'
            complete = text != "("
        else:
            expression += {"⊙": "*", ";": ","}.get(text, text)
            complete = text == ")"
    return left.replace("{", "").replace("}", ""), expression


def evaluate(equations, v):
    """Run equations one after another over a dict of columns, which gets their left sides."""
    for left, right in map(to_python, equations):
        value = eval(right, {**FUNCTIONS, "T": T, "B": 1, "O": O, "v": v})
        v[left] = np.concatenate(value) if isinstance(value, tuple) else value  # (a; b): one below the other


def shifted(step, by):
    """What a step holds, under the names that it has for its neighbour."""
    return {name + by: value for name, value in step.items() if name.endswith("t")}


def example(name, batch):
    """A network with large weights after both its passes, with its gradients."""
    rng, (network, blocks) = np.random.default_rng(0), NETWORKS[name]
    model = network(I, H, O)
    model.set_params({name: rng.normal(size=p.shape) for name, p in model.params.items()})
    state = [rng.normal(size=(batch, H)) for _ in model.state_names]
    model.forward(rng.normal(size=(T, batch, I)), tuple(state) if len(state) > 1 else state[0])
    dY = rng.normal(size=(T, batch, O))
    return model, blocks, dY, model.backward(dY)


def as_columns(params, blocks):
    """The parameters under the names of the equations, also block by block: W_xi, b_i, ..."""
    v = {name: p if p.ndim == 2 else p[:, None] for name, p in params.items()}
    for k, block in enumerate(blocks):
        for name in set(params) - {"W_hy", "b_y"}:
            of_block = f"b_{block}" if name == "b_h" else name.replace("_hh", f"_h{block}").replace("_xh", f"_x{block}")
            v[of_block] = v[name][k * H : (k + 1) * H]
    return v


@pytest.mark.parametrize("name", NETWORKS)
def test_equations(name):
    model, blocks, dY, grads = example(name, batch=1)
    weights, states = as_columns(model.params, blocks), [model.hidden_states]
    states += [model.cell_states] if name == "LSTM" else []
    steps = [{f"{letter}_t": array[0].T for letter, array in zip("hc", states, strict=False)}]
    for t in range(1, T + 1):
        v = weights | {"x_t": model.inputs[t - 1].T} | shifted(steps[-1], "-1")
        evaluate(texts(half(name, "forward"), "eq"), v)
        for letter, array in zip("hc", states, strict=False):
            np.testing.assert_allclose(v[f"{letter}_t"], array[t].T, rtol=1e-12)
        steps.append(v)
    np.testing.assert_allclose(steps[T]["y_t"], (model.hidden_states[T] @ weights["W_hy"].T + model.params["b_y"]).T)

    rows, zero = max(1, len(blocks)) * H, np.zeros((H, 1))
    after = dict.fromkeys(("dz_t", "da_t"), np.zeros((rows, 1))) | dict.fromkeys(("dc_t", "dh_t", "f_t", "z_t"), zero)
    sums, backward = {}, texts(half(name, "backward"), "eq")
    groups = [group for group in SHEET.find(f".//{SVG}g[@id='weights']") if name in group.get("class", "").split()]
    products = [equation for group in groups for equation in texts(group, "eq")]
    for t in range(T, 0, -1):
        v = steps[t] | {"dy_t": dY[t - 1].T} | shifted(after, "+1")
        evaluate(backward, v)
        np.testing.assert_allclose(v["dx_t"].T, model.input_gradient()[t - 1], rtol=1e-12)
        evaluate(products, v)
        for product in products:
            left, _ = to_python(product)
            sums[left] = sums.get(left, 0) + v[left]
        after = v
    assert {left.removeprefix("d") for left in sums} == set(grads)
    for left, total in sums.items():
        np.testing.assert_allclose(total.reshape(grads[left[1:]].shape), grads[left[1:]], rtol=1e-11, err_msg=left)
    v = weights | {"dy_t": np.zeros((O, 1))} | shifted(after, "+1")
    evaluate(backward[:1], v)  # the initial state, as the sheet's last line says
    found = (v["dh_t"].T, (v["f_t+1"] * v["dc_t+1"]).T) if name == "LSTM" else v["dh_t"].T
    np.testing.assert_allclose(found, model.state_gradient(), rtol=1e-11)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("batch", [1, 3])
def test_code(name, batch):
    model, blocks, dY, grads = example(name, batch)
    h, rows = model.hidden_states, max(1, len(blocks)) * H
    v = {"np": np, **model.params, "dc_next": 0, "f_next": 0, "dh_next": 0, "z_next": 0}
    v |= dict.fromkeys(("dz_next", "da_next"), np.zeros((batch, rows)))
    walked = []
    for t in range(T, 0, -1):
        v |= {"dy_t": dY[t - 1], "h_t": h[t], "h_prev": h[t - 1]}
        v |= {gate: values[t - 1] for gate, values in (model.gates if blocks else {}).items()}
        if name == "LSTM":
            v |= {"c": model.cell_states[t], "c_prev": model.cell_states[t - 1]}
        if name == "GRU":
            n = model.gate_rows("n")
            v["m"] = h[t - 1] @ model.params["W_hh"][n].T + model.params["b_hh"][n]
        for line in texts(half(name, "backward"), "code"):
            exec(line, v)
        np.testing.assert_allclose(v["dx_t"], model.input_gradient()[t - 1], rtol=1e-11)
        walked.append(v["da_t" if name == "GRU" else "dz_t"])
        v |= {f"{letter}_next": v.get(f"{letter}_t", v.get(letter)) for letter in ("dz", "da", "dc", "dh", "f", "z")}
    if name != "GRU" and batch == 1:  # then the rows are the steps
        arrays = {"dZ": np.concatenate(walked[::-1]), "X": model.inputs[:, 0], "h": h[:, 0]}
        products = texts(SHEET.find(f".//{SVG}g[@id='weights']"), "code")
        for code, weight in zip(products, ("W_xh", "W_hh", "b_h"), strict=True):
            np.testing.assert_allclose(eval(code, arrays), grads[weight], rtol=1e-11)


def test_losses():
    rng = np.random.default_rng(0)
    squared, cross = texts(SHEET.find(f".//{SVG}g[@id='losses']"), "eq")
    Y, labels = rng.normal(size=(T, 1, O)), rng.integers(O, size=(T, 1))
    for equation, target, dY in ((squared, np.ones_like(Y), mse_loss(Y, np.ones_like(Y))[1]),
                                 (cross, np.eye(O)[labels], cross_entropy_loss(Y, labels)[1])):
        v = {"y_t": Y[2].T, "target_t": target[2].T}
        evaluate([equation], v)
        np.testing.assert_allclose(v["dy_t"].T, dY[2], rtol=1e-12)
