"""What a patient is, the table of a network's patients, and a network that has one."""

from dataclasses import dataclass

import numpy as np

from rnn_lib.ground.validation import check_choice

__all__ = ["Bug", "Bugs", "Buggy", "Change"]


@dataclass(frozen=True)
class Bug:
    """One patient.

    name      its name in the table
    kind      the kind of mistake, a name in `KINDS`; several patients may share one
    sentence  what it does wrong
    backward  the wrong backward pass: a function, or a class whose instances have a memory of their own
    """

    name: str
    kind: str
    sentence: str
    backward: object

    def make(self):
        """Return a new `backward` function, which remembers nothing yet."""
        return self.backward() if isinstance(self.backward, type) else self.backward


@dataclass(frozen=True)
class Change:
    """A wrong backward pass that is the right one with other things in the place of some of its parts.

    assemble  (*arguments, changes) -> gradients: the right pass with these changes, {part: what stands in its place}
    changes   (*arguments) -> changes
    """

    assemble: object
    changes: object

    def __call__(self, *args):
        """Return the wrong gradients."""
        return self.assemble(*args, self.changes(*args))

    def __or__(self, other):
        """Return the backward pass with both mistakes."""
        return Change(self.assemble, lambda *args: self.changes(*args) | other.changes(*args))


class Bugs(dict):
    """All patients of one network by name; `assemble` is its right backward pass with places for a `Change`."""

    def __init__(self, assemble=None):
        """There is no patient yet."""
        super().__init__()
        self.assemble = assemble

    def add(self, name, kind, sentence, backward):
        """Register a wrong backward pass."""
        self[name] = Bug(name, kind, sentence, backward)

    def patient(self, kind):
        """Register a wrong backward pass under its own name as a bug of this kind; its docstring is the sentence."""
        def register(backward):
            self.add(backward.__name__, kind, backward.__doc__, backward)
            return backward
        return register

    def change(self, kind):
        """Register a function from the arguments to what changes in the right pass, as `patient` does."""
        def register(changes):
            self.add(changes.__name__, kind, changes.__doc__, Change(self.assemble, changes))
            return changes
        return register


class Buggy:
    """Makes a network, which a subclass inherits from as well, one whose backward pass has one bug of its `bugs`.

    It trains with `fit` like any other model. Its bugs read what `kept()` returns of the forward pass.
    """

    def __init__(self, bug, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """`bug` is a name in `bugs`; the rest is as in the network without a bug."""
        super().__init__(input_size, hidden_size, output_size, seed, dtype)
        self.bug = self.bugs[check_choice("bug", bug, self.bugs)]
        self.wrong_backward = self.bug.make()

    @property
    def config(self):
        """The constructor's arguments, the bug by its name."""
        return super().config | {"bug": self.bug.name}

    def backward(self, dY):
        """The wrong gradients of this bug."""
        return self.wrong_backward(self.params, self.inputs, self.kept(), dY)
