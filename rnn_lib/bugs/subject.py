"""What the diagnosis of a backward pass must know of a network: problems to try it on, and the mistakes it may have."""

import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

__all__ = ["Problem", "Subject"]


@dataclass(frozen=True)
class Problem:
    """The arguments of one call of a backward pass, and the right answer.

    args      the arguments by name, in order: "params", a dict, first; the output error last
    axes      the axes of the others, such as {"X": ("T", "B", "I"), "hidden_states": ("T+1", "B", "H"), …}
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
        return backward(*copy.deepcopy(self.args).values())

    @cached_property
    def sizes(self):
        """The size of every axis by its letter."""
        return {axis: n for name, axes in self.axes.items()
                for axis, n in zip(axes, self.args[name].shape, strict=True) if len(axis) == 1}

    def cut(self, axis, n):
        """The same problem with the first n steps ("T") or sequences ("B") alone."""
        args = dict(self.args)
        for name, axes in self.axes.items():
            for place, letters in enumerate(axes):
                if letters[0] == axis:
                    args[name] = args[name].take(range(n + len(letters[1:]) // 2), axis=place)  # "T+1": one more
        return replace(self, args=args)

    def sequence(self, b):
        """The same problem with sequence b alone."""
        return self.with_args(**{name: self.args[name].take([b], axis=axes.index("B"))
                                 for name, axes in self.axes.items()})

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
        """What each bug leaves on the problems, [(bug, list of gradients)]: made once, by the first who asks."""
        return [(bug, [problem.answer(bug.make()) for problem in self.problems]) for bug in self.bugs.values()]

    @property
    def nothing_to_carry(self):
        """A call that leaves no carry behind: its weights carry nothing."""
        return self.first.with_args(params=(self.without_carry or self.first).params)
