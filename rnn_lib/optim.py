"""Optimisers: each step changes the parameters in place."""

import math

import numpy as np

from rnn_lib.ground.validation import check_named_arrays, check_number, check_same_keys

__all__ = ["SGD", "Adam", "clip_grad_norm", "grad_norm"]


class Optimizer:
    """Parameters to change, and a learning rate, which may be set anew between two steps."""

    def __init__(self, params, lr):
        """`params` is a model's dict of arrays; lr > 0. What an optimiser gathers from step to step starts empty."""
        self.params = check_named_arrays("params", params)
        self.lr = lr
        self.reset()

    @property
    def lr(self):
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, value):
        self._lr = check_number("lr", value, above=0)

    def zeros(self):
        """Return an array of zeros for each parameter."""
        return {name: np.zeros_like(p) for name, p in self.params.items()}


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as `torch.optim.SGD`.

        v <- momentum v + g
        p <- p - lr v
    """

    def __init__(self, params, lr, momentum=0.0):
        """`params` is a model's dict of arrays; lr > 0, 0 <= momentum < 1."""
        self.momentum = check_number("momentum", momentum, minimum=0, below=1)
        super().__init__(params, lr)

    def __repr__(self):
        """The constructor call."""
        return f"SGD(lr={self.lr:g}, momentum={self.momentum:g})"

    def reset(self):
        """Forget the velocity."""
        self.velocity = self.zeros()

    def step(self, grads):
        """Move every parameter against its gradient; `grads` has the keys and shapes of `params`."""
        check_same_keys("grads", grads, self.params)
        lr, momentum = self.lr, self.momentum
        for name, p in self.params.items():
            v = grads[name]
            if momentum:
                v = self.velocity[name] = momentum * self.velocity[name] + v
            p -= lr * v


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), as `torch.optim.Adam`.

        m <- beta_1 m + (1 - beta_1) g,  v <- beta_2 v + (1 - beta_2) g^2
        p <- p - lr (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + eps)
    """

    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        """`params` is a model's dict of arrays; lr > 0, 0 <= beta < 1, eps > 0."""
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"betas: expected a pair of numbers, got {betas!r}")
        self.betas = tuple(check_number("betas", beta, minimum=0, below=1) for beta in betas)
        self.eps = check_number("eps", eps, above=0)
        super().__init__(params, lr)

    def __repr__(self):
        """The constructor call."""
        return f"Adam(lr={self.lr:g}, betas={self.betas}, eps={self.eps:g})"

    def reset(self):
        """Forget both means and the number of steps."""
        self.t, self.m, self.v = 0, self.zeros(), self.zeros()

    def step(self, grads):
        """Move every parameter against its gradient; `grads` has the keys and shapes of `params`."""
        check_same_keys("grads", grads, self.params)
        self.t += 1
        beta_1, beta_2 = self.betas
        lr = self.lr / (1 - beta_1**self.t)
        correction = 1 / math.sqrt(1 - beta_2**self.t)
        for name, p in self.params.items():
            g, m, v = grads[name], self.m[name], self.v[name]
            m += (1 - beta_1) * (g - m)
            v *= beta_2
            v += (1 - beta_2) * g * g  # from the left: of a large g, the square would overflow sooner
            p -= lr * m / (correction * np.sqrt(v) + self.eps)


def clip_grad_norm(grads, max_norm):
    """Scale all gradients, in place, so that their common norm is at most `max_norm` > 0.

    The norm is taken over all parameters together, which keeps the gradient's direction
    (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063). Returns the norm before clipping.
    """
    max_norm = check_number("max_norm", max_norm, above=0)
    norm = grad_norm(grads)
    if norm > max_norm:
        for g in grads.values():
            g *= max_norm / norm
    return norm


def grad_norm(grads):
    """Return the Euclidean norm of all gradients together."""
    check_named_arrays("grads", grads)
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in grads.values()))
    if 1e-15 < norm < 1e15:
        return norm
    check_same_keys("grads", grads, grads)  # refuses what is not finite
    # The squares may have left float32's range (or float64's): measure in units of the largest element.
    largest = max(float(np.abs(g).max()) for g in grads.values()) or 1.0
    return largest * math.sqrt(sum(float(np.square(g / largest).sum()) for g in grads.values()))
