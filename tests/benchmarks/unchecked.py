"""The mathematics of our models, line by line, in functions that check nothing and copy nothing for safety.

Each model is a pair of functions: forward(p, X) -> (Y, what backward needs), backward(p, X, left, dY) -> gradients.
"""

import numpy as np


def rnn_forward(p, X):
    (T, B, I), H = X.shape, len(p["b_h"])
    h = np.empty((T + 1, B, H), X.dtype)
    h[0] = 0
    np.dot(X.reshape(T * B, I), p["W_xh"].T, out=h[1:].reshape(T * B, H))
    h[1:] += p["b_h"]
    W_hh_T = p["W_hh"].T.copy()
    h_prev = h[0]
    for h_t in h[1:]:
        h_t += h_prev.dot(W_hh_T)
        h_prev = np.tanh(h_t, out=h_t)
    return outputs(p, h), h


def rnn_backward(p, X, h, dY):
    T, B, H = h[1:].shape
    dZ = into_states(p, dY, h)
    tanh_prime = h[1:] ** 2
    np.subtract(1, tanh_prime, out=tanh_prime)
    W_hh, carry = p["W_hh"], 0
    for dz_t, tanh_prime_t in zip(dZ[::-1], tanh_prime[::-1], strict=True):
        dz_t += carry
        dz_t *= tanh_prime_t
        carry = dz_t.dot(W_hh)
    dZ = dZ.reshape(T * B, H)
    return {"W_xh": dZ.T.dot(X.reshape(T * B, -1)), "W_hh": dZ.T.dot(h[:-1].reshape(T * B, H)),
            "b_h": dZ.sum(axis=0)} | of_outputs(h, dY)


def lstm_forward(p, X):
    (T, B, I), H = X.shape, p["W_hh"].shape[1]
    h, c, tanh_c = np.empty((T + 1, B, H), X.dtype), np.empty((T + 1, B, H), X.dtype), np.empty((T, B, H), X.dtype)
    h[0] = c[0] = 0
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], X.dtype), H)
    W_xh_T, W_hh_T = (np.multiply(p[name].T, scale, order="C") for name in ("W_xh", "W_hh"))
    scale = np.tile(scale, (B, 1))
    shift = 1 - scale
    Z = X.reshape(T * B, I).dot(W_xh_T).reshape(T, B, 4 * H)
    Z += p["b_h"] * scale
    i, f, g, o = Z[:, :, :H], Z[:, :, H : 2 * H], Z[:, :, 2 * H : 3 * H], Z[:, :, 3 * H :]
    h_prev, c_prev = h[0], c[0]
    for z_t, i_t, f_t, g_t, o_t, c_t, tanh_c_t, h_t in zip(Z, i, f, g, o, c[1:], tanh_c, h[1:], strict=True):
        z_t += h_prev.dot(W_hh_T)
        np.tanh(z_t, out=z_t)
        z_t *= scale
        z_t += shift
        np.multiply(f_t, c_prev, out=c_t)
        c_t += i_t * g_t
        np.tanh(c_t, out=tanh_c_t)
        np.multiply(o_t, tanh_c_t, out=h_t)
        h_prev, c_prev = h_t, c_t
    return outputs(p, h), (h, c, Z.reshape(T, B, 4, H).transpose(2, 0, 1, 3).copy(), tanh_c)


def lstm_backward(p, X, left, dY):
    h, c, (i, f, g, o), tanh_c = left
    T, B, H = tanh_c.shape
    dZ = np.empty((T, B, 4, H), X.dtype)
    dZ[:, :, 0] = g * i * (1 - i)
    dZ[:, :, 1] = c[:-1] * f * (1 - f)
    dZ[:, :, 2] = i * (1 - g**2)
    dZ[:, :, 3] = tanh_c * o * (1 - o)
    dc_dh = o * (1 - tanh_c**2)
    dH = into_states(p, dY, h)
    W_hh, h_carry, c_carry = p["W_hh"], 0, 0
    for dz_t, dh_t, dc_dh_t, f_t in zip(dZ[::-1], dH[::-1], dc_dh[::-1], f[::-1], strict=True):
        dh_t += h_carry
        dc_t = dh_t * dc_dh_t
        dc_t += c_carry
        dz_t[:, :3] *= dc_t[:, None]
        dz_t[:, 3] *= dh_t
        h_carry = dz_t.reshape(B, 4 * H).dot(W_hh)
        c_carry = dc_t * f_t
    dZ = dZ.reshape(T * B, 4 * H)
    return {"W_xh": dZ.T.dot(X.reshape(T * B, -1)), "W_hh": dZ.T.dot(h[:-1].reshape(T * B, H)),
            "b_h": dZ.sum(axis=0)} | of_outputs(h, dY)


def gru_forward(p, X):
    (T, B, I), H = X.shape, p["W_hh"].shape[1]
    h, m = np.empty((T + 1, B, H), X.dtype), np.empty((T, B, H), X.dtype)
    h[0] = 0
    gates = np.empty((3, T, B, H), X.dtype)
    W_xh_T, W_hh_T = p["W_xh"].T.copy(), p["W_hh"].T.copy()
    W_xh_T[:, : 2 * H] *= 0.5
    W_hh_T[:, : 2 * H] *= 0.5
    X, n = X.reshape(T * B, I), gates[2]
    rz = X.dot(W_xh_T[:, : 2 * H]).reshape(T, B, 2 * H)
    rz += np.tile(0.5 * (p["b_xh"] + p["b_hh"])[: 2 * H], (B, 1))
    np.dot(X, W_xh_T[:, 2 * H :], out=n.reshape(T * B, H))
    n += np.tile(p["b_xh"][2 * H :], (B, 1))
    b_hn, h_prev = np.tile(p["b_hh"][2 * H :], (B, 1)), h[0]
    for rz_t, r_t, z_t, n_t, m_t, h_t in zip(rz, rz[:, :, :H], rz[:, :, H:], n, m, h[1:], strict=True):
        a_t = h_prev.dot(W_hh_T)
        rz_t += a_t[:, : 2 * H]
        np.tanh(rz_t, out=rz_t)
        rz_t *= 0.5
        rz_t += 0.5
        np.add(a_t[:, 2 * H :], b_hn, out=m_t)
        n_t += r_t * m_t
        np.tanh(n_t, out=n_t)
        np.subtract(h_prev, n_t, out=h_t)
        h_t *= z_t
        h_t += n_t
        h_prev = h_t
    gates[:2] = rz.reshape(T, B, 2, H).transpose(2, 0, 1, 3)
    return outputs(p, h), (h, gates, m)


def gru_backward(p, X, left, dY):
    h, (r, z, n), m = left
    T, B, H = m.shape
    dn_dh = (1 - z) * (1 - n**2)
    dA = np.empty((T, B, 3, H), X.dtype)
    dA[:, :, 0] = dn_dh * m * r * (1 - r)
    dA[:, :, 1] = (h[:-1] - n) * z * (1 - z)
    dA[:, :, 2] = dn_dh * r
    dH = into_states(p, dY, h)
    W_hh, carry = p["W_hh"], 0
    for dA_t, dh_t, z_t in zip(dA[::-1], dH[::-1], z[::-1], strict=True):
        dh_t += carry
        dA_t *= dh_t[:, None]
        carry = dA_t.reshape(B, 3 * H).dot(W_hh)
        carry += dh_t * z_t
    flat = dA.reshape(T * B, 3 * H)
    grads = {"W_hh": flat.T.dot(h[:-1].reshape(T * B, H)), "b_hh": flat.sum(axis=0)}
    np.multiply(dH, dn_dh, out=dA[:, :, 2])
    return grads | {"W_xh": flat.T.dot(X.reshape(T * B, -1)), "b_xh": flat.sum(axis=0)} | of_outputs(h, dY)


def outputs(p, h):
    T, B, H = h[1:].shape
    return (h[1:].reshape(T * B, H).dot(p["W_hy"].T) + p["b_y"]).reshape(T, B, -1)


def into_states(p, dY, h):
    return dY.reshape(-1, dY.shape[2]).dot(p["W_hy"]).reshape(h[1:].shape)


def of_outputs(h, dY):
    dY = dY.reshape(-1, dY.shape[2])
    return {"W_hy": dY.T.dot(h[1:].reshape(len(dY), -1)), "b_y": dY.sum(axis=0)}


UNCHECKED = {"RNN": (rnn_forward, rnn_backward), "LSTM": (lstm_forward, lstm_backward),
             "GRU": (gru_forward, gru_backward)}
