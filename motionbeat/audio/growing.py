"""Blocks2Array: blocks of rows that arrive one after another, in one array and without a second copy of it."""

import numpy as np
from numpy.typing import NDArray


class Growing:
    """float32 rows of the shape `width`."""

    def __init__(self, *width: int) -> None:
        self.count = 0
        """Rows so far."""
        self._rows = np.empty((0, *width), np.float32)

    def expect(self, rows: int) -> None:
        """Make room for so many more."""
        if self.count + rows > len(self._rows):
            self._resize(self.count + rows)

    def add(self, block: NDArray[np.float32]) -> None:
        """The next rows, (n, *width)."""
        end = self.count + len(block)
        if end > len(self._rows):
            self.expect(max(len(block), self.count // 8))
        self._rows[self.count : end] = block
        self.count = end

    def finished(self) -> NDArray[np.float32]:
        """(count, *width) all of them. The array is this object's own: no more can be added."""
        self._resize(self.count)
        return self._rows

    def _resize(self, rows: int) -> None:
        if not self.count:  # without zeros: memory that a wrong length in a header asks for is not taken
            self._rows = np.empty((rows, *self._rows.shape[1:]), np.float32)
            return
        self._rows.resize((rows, *self._rows.shape[1:]), refcheck=False)  # in place where the system can
