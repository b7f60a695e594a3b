"""`progress=` of long calls: None, a callable (done, total), or True for a line on standard error."""

import sys
import time

from . import _abi
from ._errors import ArrowCancelled


class _Line:
    """Prints how many rows are done, at most ten times a second, and a last time at the end."""

    def __init__(self, title):
        self._title = title
        self._last = 0.0
        self._shown = False

    def __call__(self, done, total):
        now = time.monotonic()
        if now - self._last < 0.1 and (total is None or done < total):
            return None
        self._last = now
        self._shown = True
        of = f" of {total:,} rows, {100 * done // total if total else 100} %" if total is not None else " rows"
        print(f"\r{self._title}: {done:,}{of}", end="", file=sys.stderr, flush=True)
        return None

    def end(self):
        if self._shown:
            print(file=sys.stderr, flush=True)


class Progress:
    """The progress of one operation that calls the engine several times; `total` rows overall, None if not known.

    `with` each call of the engine: `with progress.call() as step: check(lib.martlet_x, ..., step)`.
    """

    def __init__(self, progress, title, total=None):
        if progress is None or progress is False:
            self._callback = None
        elif progress is True:
            self._callback = _Line(title)
        elif callable(progress):
            self._callback = progress
        else:
            raise TypeError(f"progress must be a callable (done, total), True or None, not {type(progress).__name__}")
        self._total = total
        self._before = 0
        self._told = False

    def call(self):
        """An `_abi.Progress` for one call of the engine; it lets Ctrl-C through also when nobody watches."""
        if self._callback is None:
            return _abi.Progress()
        return _abi.Progress(self._called)

    def _called(self, done, total):
        self._told = True
        whole = self._total if self._total is not None else total if not self._before else None
        return self._callback(self._before + done, whole)

    def advance(self, rows):
        """A call has ended: the next one counts on from here. Rows that the engine only gathered are told now."""
        self._before += rows
        told, self._told = self._told, False
        if self._callback is not None and not told and self._callback(self._before, self._total) is False:
            raise ArrowCancelled("Operation cancelled by its progress callback")

    def end(self):
        """The operation is over."""
        if isinstance(self._callback, _Line):
            self._callback.end()
