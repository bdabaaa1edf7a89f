"""How an answer asks the engine: a statement with its parameters, which gives rows."""

from collections.abc import Callable, Sequence
from typing import Any

from odometer.store.engine import Params

Ask = Callable[[str, Params], Sequence[tuple[Any, ...]]]
