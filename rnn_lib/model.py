"""What every model shares: named parameters, their initialisation, saving and loading."""

import contextlib
import inspect
import io
import json
import math
import os
import secrets
import zipfile

import numpy as np

from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_array, check_path, describe
from rnn_lib.initialization import uniform

__all__ = ["Model", "NoForwardYet"]

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class NoForwardYet(ValueError, AttributeError):
    """What only a forward pass leaves was asked for before there was one. (So `hasattr(model, "state")` is False.)"""


class Model:
    """A set of named parameters.

    `params` is a dict of arrays that optimisers update in place. A subclass keeps its constructor's arguments as
    attributes of the same names, and has a class method `shapes(**arguments)`: {name: shape} of the parameters.
    """

    def __init__(self, shapes, fan_in, seed, dtype):
        """Draw every parameter from +-1/sqrt(fan_in); `fan_in` is a number or a dict by name."""
        if dtype is None or dtype not in FLOATS:  # to NumPy, None is float64
            raise TypeError(f"dtype: expected float32 or float64, got {dtype!r}")
        self.dtype = np.dtype(dtype)
        rng = generator(seed, "weights")
        self.params = {}
        for name, shape in shapes.items():
            n = fan_in[name] if isinstance(fan_in, dict) else fan_in
            self.params[name] = uniform(shape, rng, n).astype(self.dtype)

    @property
    def config(self):
        """The constructor's arguments by name, without seed and dtype."""
        names = [name for name in inspect.signature(type(self)).parameters if name not in ("seed", "dtype")]
        missing = [name for name in names if not hasattr(self, name)]
        if missing:
            raise TypeError(f"{type(self).__name__}: expected its constructor's arguments as attributes of the same "
                            f"names, got none for {', '.join(missing)}")
        return {name: getattr(self, name) for name in names}

    def working_dtype(self):
        """Return the dtype in which to compute: the parameters' own, complex while a complex step is taken."""
        for p in self.params.values():
            if p.dtype != self.dtype:
                return np.result_type(self.dtype, *self.params.values())
        return self.dtype

    @property
    def n_params(self):
        """The number of trainable numbers."""
        return sum(param.size for param in self.params.values())

    def __repr__(self):
        """The constructor call, without the seed, and the number of parameters."""
        try:
            args = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        except TypeError:  # a subclass that keeps its arguments elsewhere
            args = "…"
        return f"{type(self).__name__}({args}): {self.n_params} parameters, {self.dtype}"

    def set_params(self, values):
        """Copy arrays into some or all parameters, by name, and return the model.

        `values` is a dict such as another model's `params`. Raises before anything is changed if a name is
        unknown, a shape is another one or a number is not finite.
        """
        if not isinstance(values, dict):
            raise TypeError(f"values: expected a dict of arrays, such as model.params, got {describe(values)}")
        unknown = [str(name) for name in values if name not in self.params]
        if unknown:
            raise ValueError(f"values: expected names among {', '.join(self.params)}, got {', '.join(unknown)}")
        arrays = {name: check_array(f"values[{name!r}]", value, self.params[name].shape, self.params[name].dtype).copy()
                  for name, value in values.items()}
        for name, array in arrays.items():
            self.params[name][...] = array
        return self

    def left_by_forward(self, name):
        """Return what `forward` left under this name, or raise if there was no forward pass yet."""
        if name not in self.__dict__:
            raise NoForwardYet(f"{type(self).__name__}: expected a call of forward before this one")
        return self.__dict__[name]

    def save(self, path):
        """Write the model to `path` (.npz, no pickle): the whole new file or, after an error, the old one.

        Raises ValueError or TypeError if the parameters are not those that `load` expects: finite, by name and shape.
        """
        header = json.dumps({"class": type(self).__name__, "dtype": str(self.dtype), **self.config})
        params = check_params(self.params, self.shapes(**self.config), self.dtype)
        folder, name = os.path.split(os.path.realpath(check_path("path", path)))
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
        content = io.BytesIO()
        np.savez(content, model=np.array(header), **params)
        try:
            with open(temporary, "xb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, os.path.join(folder, name))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote. Raises ValueError if the file is damaged or holds another model."""
        with open(check_path("path", path), "rb") as file:
            content = io.BytesIO(file.read())
        try:
            check_sizes(content)
            with np.load(content, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            config = json.loads(str(arrays.pop("model")))
            name, dtype = config.pop("class"), config.pop("dtype")
            if name != cls.__name__:
                raise ValueError(f"it is a saved {name}, not a saved {cls.__name__}")
            params = check_params(arrays, cls.shapes(**config), dtype)  # first: a header can ask for any size
            return cls(**config, dtype=dtype).set_params(params)
        except Exception as error:  # NumPy, zip and JSON readers raise all kinds at a damaged or foreign file
            raise ValueError(f"path: expected a model saved by rnn_lib, got {path} ({error})") from None


def check_params(params, shapes, dtype):
    """Return parameters as arrays of this dtype, or raise unless they have these names and shapes and are finite."""
    if params.keys() != shapes.keys():
        raise ValueError(f"params: expected {', '.join(shapes)}, got {', '.join(map(str, params))}")
    return {key: check_array(f"params[{key!r}]", params[key], shape, dtype) for key, shape in shapes.items()}


def check_sizes(content):
    """Raise unless every array in an .npz file is as large as it says, before memory is asked for it."""
    with zipfile.ZipFile(content) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > len(content.getbuffer()):
                raise ValueError("it is compressed, and may be far larger than it looks")
            with archive.open(member) as file:
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                if file.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                    raise ValueError(f"{member.filename} does not hold what its shape {shape} asks for")
    content.seek(0)
