"""What the diagnosis of a backward pass must know of a network: problems to try it on, and the mistakes it may have."""

import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations
from operator import or_

import numpy as np

from rnn_lib.bugs.patient import Change
from rnn_lib.initialization import order_one

__all__ = ["SIZES", "Fingerprint", "Problem", "Subject", "problem_maker", "usual_problems"]

SIZES = {"T": 7, "B": 3, "I": 4, "H": 5, "O": 2}  # of the first problem
AXES = {"X": ("T", "B", "I"), "dY": ("T", "B", "O")}


@dataclass(frozen=True)
class Problem:
    """The arguments of one call of a backward pass, and the right answer.

    args      the arguments by name, in order: "params", a dict, first; the output error last
    axes      the axes of the others, such as {"X": ("T", "B", "I"), "hidden_states": ("T+1", "B", "H"), …}; of an
              argument that is a dict of arrays, a dict
    backward  the right backward pass
    """

    args: dict
    axes: dict
    backward: object

    @property
    def params(self):
        """The parameters by name."""
        return self.args["params"]

    @property
    def error(self):
        """The output error, dL/dY."""
        return list(self.args.values())[-1]

    @cached_property
    def right(self):
        """The right gradients."""
        return self.answer(self.backward)

    def answer(self, backward):
        """Return the gradients of a backward pass that may be trusted, such as a patient's."""
        args = self.args if isinstance(backward, Change) else copy.deepcopy(self.args)  # a Change only reads them
        return backward(*args.values())

    @cached_property
    def sizes(self):
        """The size of every axis by its letter."""
        found = {}
        self.each(lambda array, axes: found.update(zip(axes, array.shape, strict=True)))
        return {axis: n for axis, n in found.items() if len(axis) == 1}

    def cut(self, axis, n):
        """The same problem with the first n steps ("T") or sequences ("B") alone."""
        def shortened(array, axes):
            for place, letters in enumerate(axes):
                if letters[0] == axis:
                    array = array.take(range(n + len(letters[1:]) // 2), axis=place)  # "T+1": one more
            return array

        return self.with_args(**self.each(shortened))

    def sequence(self, b):
        """The same problem with sequence b alone."""
        return self.with_args(**self.each(lambda array, axes: array.take([b], axis=axes.index("B"))))

    def each(self, function):
        """Return {name: function(array, axes)} for all arguments but params, and for each array of a dict."""
        def apply(value, axes):
            return ({key: apply(value[key], axes[key]) for key in value} if isinstance(value, dict)
                    else function(value, axes))

        return {name: apply(self.args[name], axes) for name, axes in self.axes.items()}

    def scaled(self, factor):
        """The same problem with `factor` times the output error."""
        return self.with_error(factor * self.error)

    def error_at(self, step):
        """The same problem with an output error at this step alone, counted from 1."""
        silent = np.zeros_like(self.error)
        silent[step - 1] = self.error[step - 1]
        return self.with_error(silent)

    def with_gaps(self):
        """Two such problems with output errors at few steps only, as with sequences of unequal lengths.

        In the one the first sequence has an error at its end, the others elsewhere; in the other there is none at the
        end, and some sequences have none at all.
        """
        late, early = np.zeros_like(self.error), np.zeros_like(self.error)
        late[-1, 0] = self.error[-1, 0]
        late[1, 1:] = self.error[1, 1:]
        early[2, -1] = self.error[2, -1]
        return self.with_error(late), self.with_error(early)

    def quiet(self):
        """The same problem with tiny output errors."""
        return self.scaled(1e-14 / np.abs(self.error).max())

    def with_error(self, error):
        """The same problem with another output error."""
        return self.with_args(**{list(self.args)[-1]: error})

    def nudged(self, name):
        """The same problem with one of its arguments changed by so little that a float32 number does not notice."""
        value = self.args[name]
        return self.with_args(**{name: {key: a * (1 + 1e-13) for key, a in value.items()} if isinstance(value, dict)
                                 else value * (1 + 1e-13)})

    def with_args(self, **args):
        """The same problem with some other arguments."""
        return replace(self, args={**self.args, **args})


def problem_maker(Model, backward, kept, axes):
    """Return make_problem(T, B, I, H, O, seed, size=1.0, **weights) -> Problem for a network.

    backward  its right backward pass
    kept      kept(model) -> what a forward pass leaves for it: {argument: value}, with these `axes`

    A problem has random weights of this size, but for those that are given, and random data, also of this size.
    """
    def make_problem(T, B, I, H, O, seed, size=1.0, **weights):
        rng = np.random.default_rng(seed)
        model = Model(I, H, O)
        model.set_params({name: size * order_one(p.shape, rng) for name, p in model.params.items()} | weights)
        X = size * rng.normal(size=(T, B, I))
        state = tuple(size * rng.uniform(-0.9, 0.9, (len(model.state_names), B, H)))
        model.forward(X, state if len(state) > 1 else state[0])
        args = {"params": model.params, "X": X, **kept(model), "dY": rng.normal(size=(T, B, O))}
        return Problem(args, {"X": AXES["X"], **axes, "dY": AXES["dY"]}, backward)

    return make_problem


def usual_problems(make_problem, **slow):
    """Return the problems that a network with time steps is tried on, by the names they have in Subject.

    `slow` are weights for I = 3, H = 4 with which an error is felt over more than a hundred steps.
    """
    first = make_problem(**SIZES, seed=1)
    small = {"T": 3, "B": 2, "I": 5, "H": 6, "O": 4}
    return {
        "first": first,
        "again": make_problem(**SIZES, seed=2, **first.params),
        "others": (
            make_problem(T=5, B=4, I=2, H=3, O=6, seed=3),
            make_problem(T=1, B=1, I=1, H=1, O=1, seed=5),
            make_problem(T=110, B=2, I=3, H=4, O=1, seed=4, **slow),
        ),
        "unseen": (make_problem(**small, seed=7), make_problem(**small, seed=8, size=0.5)),
    }


@dataclass(frozen=True)
class Subject:
    """A network whose backward pass is diagnosed.

    first, again   two problems of the same sizes and weights, with other data
    others         more problems, whose sizes all differ; the last one is the longest
    bugs, kinds    its wrong backward passes, {name: Bug}, and what each kind of mistake is, {kind: advice}: those of
                   the bugs and those that the engine has a test of its own for
    biases         the names of its biases
    walk           the gradients that are made from the walk back: one of them right, and so is the walk
    without_carry  `first` with weights for which nothing comes back from later steps; None without steps
    silence        what these weights are, in words, such as "W_hh = 0"
    forgotten      `first` with noise for all that the forward pass kept
    unseen         two problems of one size that no other has, the second with other, milder data
    shortened      functions (k, *arguments) -> gradients: a walk back over k steps at a time, in different ways
    told_apart     kinds or patients by name whose sentence is told, because it says where the mistake is
    of_the_walk    kinds that are mistakes of the walk back
    gates          the letters of the gates, whose rows the gradients of `walk` hold one below the other; "" if none
    unpaired       bugs by name that are not tried in pairs: further forms of a mistake that is
    """

    first: object
    again: object
    others: tuple
    bugs: dict
    kinds: dict
    biases: frozenset
    walk: tuple
    forgotten: object
    without_carry: object = None
    silence: str = ""
    unseen: tuple = ()
    shortened: tuple = ()
    told_apart: frozenset = frozenset()
    of_the_walk: frozenset = frozenset()
    gates: str = ""
    unpaired: frozenset = frozenset()

    @cached_property
    def ordinary(self):
        """The problems with output errors of order one."""
        return (self.first, self.again, self.first.cut("B", 1), *self.others, *self.unseen)

    @cached_property
    def problems(self):
        """All problems on which every gradient must be right."""
        gaps = self.first.with_gaps() if "T" in self.first.sizes else ()
        return (*self.ordinary, *gaps, self.first.scaled(1e6), self.first.scaled(1e-20))

    @cached_property
    def fingerprints(self):
        """What each bug leaves on the problems: `Fingerprints`."""
        return Fingerprints(Fingerprint((bug.kind,), bug.make, self.problems, bug.name, bug.sentence)
                            for bug in self.bugs.values())

    @cached_property
    def pairs(self):
        """What two bugs of different kinds leave, wherever they change different parts of the right pass."""
        args = self.first.args.values()
        changes = [(bug, set(bug.backward.changes(*args))) for bug in self.bugs.values()
                   if isinstance(bug.backward, Change) and bug.name not in self.unpaired]
        return Fingerprints(
            Fingerprint((one.kind, other.kind), partial(or_, one.backward, other.backward), self.problems)
            for (one, parts), (other, others) in combinations(changes, 2)
            if one.kind != other.kind and not parts & others)


@dataclass(frozen=True)
class Fingerprint:
    """The gradients that one bug leaves, or two at once: made once for each problem, by the first who asks.

    kinds           the kinds of the mistakes
    make            a function that returns the wrong backward pass
    name, sentence  those of the bug, if it is one
    """

    kinds: tuple
    make: object
    problems: tuple
    name: str = ""
    sentence: str = ""
    made: dict = field(default_factory=dict)

    def on(self, i):
        """Return the gradients on problem i."""
        if i not in self.made:
            self.made[i] = self.problems[i].answer(self.make())
        return self.made[i]

    @property
    def gradients(self):
        """The gradients on each problem."""
        return list(map(self.on, range(len(self.problems))))


class Fingerprints(list):
    """A list of `Fingerprint`s, all of which are compared with an answer at once: there are thousands."""

    def like(self, name, gradient, rtol):
        """Return the indices of those that leave this gradient of the parameter `name` on the first problem."""
        if not self:
            return []
        left, sizes = self.on_first[name]
        with np.errstate(invalid="ignore"):
            difference = np.abs(left - gradient.ravel()).max(axis=1)  # not finite if a number of one of them is not
        alike = np.isfinite(difference) & (difference <= rtol * np.maximum(sizes, np.abs(gradient).max()))
        return np.flatnonzero(alike).tolist()

    @cached_property
    def on_first(self):
        """{parameter: (its gradients on the first problem, one in a row; the largest number of each)}."""
        left = {name: np.array([mark.on(0)[name].ravel() for mark in self]) for name in self[0].problems[0].params}
        return {name: (rows, np.abs(rows).max(axis=1)) for name, rows in left.items()}
