"""What a patient is, and the table of a network's patients."""

from dataclasses import dataclass

__all__ = ["Bug", "Bugs"]


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


class Bugs(dict):
    """All patients of one network by name."""

    def patient(self, kind):
        """Register a function under its own name as a bug of this kind; its docstring is the sentence."""
        def register(backward):
            self[backward.__name__] = Bug(backward.__name__, kind, backward.__doc__, backward)
            return backward
        return register
