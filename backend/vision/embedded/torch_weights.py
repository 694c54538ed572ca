"""Reads a weights file that PyTorch before 1.6 wrote (`.pth`), without PyTorch.

Owns the format: five pickles (magic, protocol, machine, tensors, storage keys) followed by each storage's raw
values. Nothing but plain containers and tensor descriptions is ever unpickled.
"""

import collections
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_TYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "IntStorage": "<i4"}


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage that has not been read yet; offset and strides count values, not bytes."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


class _WeightsUnpickler(pickle.Unpickler):
    """Knows the four names such a file needs and refuses every other."""

    def __init__(self, file: BinaryIO, types: dict[str, str]) -> None:
        super().__init__(file)
        self._types = types

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")}:
            return _rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"a weights file has no business with {module}.{name}")

    def persistent_load(self, pid: Any) -> str:
        _kind, type_name, key, *_rest = pid
        self._types[key] = _TYPES[type_name]
        return str(key)


def load_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors by name. Raises `pickle.UnpicklingError` for a file that asks for anything else."""
    types: dict[str, str] = {}
    with path.open("rb") as file:
        _magic, _protocol, _machine, tensors, keys = (_WeightsUnpickler(file, types).load() for _ in range(5))
        storages = {key: _read_storage(file, types[key]) for key in keys}
    return {name: _view(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _read_storage(file: BinaryIO, dtype: str) -> NDArray[Any]:
    (count,) = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)


def _view(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    """The values in the tensor's own order: these files keep TensorFlow's layout and permute by strides."""
    strides = [step * storage.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.ascontiguousarray(view)
