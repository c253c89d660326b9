"""What every model shares: named parameters, their initialisation, saving and loading."""

import contextlib
import io
import json
import os
import secrets

import numpy as np

from rnn_lib.validation import check_array, check_int, check_path, describe

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Model:
    """A set of named parameters.

    `params` is a dict of arrays that optimisers update in place. A subclass calls `__init__` with its
    constructor arguments (so that `load` can call the constructor again) and the shape of each parameter.
    """

    def __init__(self, config, shapes, bound, seed, dtype):
        """Draw every parameter uniformly from (-bound, bound); `bound` is a number or a dict by name."""
        try:
            self.dtype = np.dtype(dtype)
            known = self.dtype in FLOATS
        except TypeError:
            known = False
        if not known:
            raise TypeError(f"dtype: expected float32 or float64, got {dtype!r}")
        rng = np.random.default_rng(check_int("seed", seed, minimum=0))
        self.config = config
        self.params = {}
        for name, shape in shapes.items():
            limit = bound[name] if isinstance(bound, dict) else bound
            self.params[name] = rng.uniform(-limit, limit, shape).astype(self.dtype)

    @property
    def n_params(self):
        """The number of trainable numbers."""
        return sum(param.size for param in self.params.values())

    def __repr__(self):
        """The constructor call, without the seed, and the number of parameters."""
        args = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
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
        arrays = {name: check_array(f"values[{name!r}]", value, self.params[name].shape, self.params[name].dtype)
                  for name, value in values.items()}
        for name, array in arrays.items():
            self.params[name][...] = array
        return self

    def remembered(self, name):
        """Return what `forward` left under this name, or raise if there was no forward pass yet."""
        if name not in self.__dict__:
            raise ValueError(f"{type(self).__name__}: expected a call of forward before this one")
        return self.__dict__[name]

    def save(self, path):
        """Write the model to `path` (.npz, no pickle): the whole new file or, after an error, the old one.

        Raises ValueError if a parameter is not finite.
        """
        for key, param in self.params.items():
            check_array(f"params[{key!r}]", param, param.shape, dtype=self.dtype)
        folder, name = os.path.split(os.path.abspath(check_path("path", path)))
        temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
        header = json.dumps({"class": type(self).__name__, "dtype": str(self.dtype), **self.config})
        content = io.BytesIO()
        np.savez(content, model=np.array(header), **self.params)
        try:
            with open(temporary, "xb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
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
            with np.load(content, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            config = json.loads(str(arrays.pop("model")))
            name, dtype = config.pop("class"), config.pop("dtype")
        except Exception as error:  # NumPy, zip and JSON readers raise all kinds at a damaged or foreign file
            raise ValueError(f"path: expected a model saved by rnn_lib, got {path} ({error})") from None
        if name != cls.__name__:
            raise ValueError(f"path: expected a saved {cls.__name__}, got a saved {name} in {path}")
        try:
            model = cls(**config, dtype=dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"path: expected what makes a {name}, got {config} in {path} ({error})") from None
        if arrays.keys() != model.params.keys():
            raise ValueError(f"path: expected parameters {', '.join(model.params)}, got {', '.join(arrays)} in {path}")
        try:
            for key, param in model.params.items():
                param[...] = check_array(key, arrays[key], param.shape, dtype=model.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"path: expected a model saved by rnn_lib, got {path} ({error})") from None
        return model
