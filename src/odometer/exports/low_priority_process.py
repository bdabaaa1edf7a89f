"""Long writing that nobody waits for: in a process of low priority, so that it takes nothing from reports."""

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection
from typing import Final

from odometer.child_process import end_with_parent
from odometer.store.engine import Columns

# Writes blocks of rows somewhere; how many rows they were. Another process can be told it.
WriteBlocks = Callable[[Iterator[Columns]], int]
# What has no more than so many blocks is sooner written than a process begun.
_FEW: Final = 4
_LOWEST: Final = 19


def write_in_low_priority_process(write: WriteBlocks, blocks: Iterator[Columns]) -> int:
    """`write(blocks)`, in another process if they are many; nothing of it goes on when this raises.

    Raises `OSError` when that process fails; why is on its standard error.
    """
    first = list(islice(blocks, _FEW + 1))
    if len(first) <= _FEW:
        return write(iter(first))
    # Forking a process that holds the engine's threads would leave them locked in the child.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, write), name="odometer-writer", daemon=True)
    try:
        process.start()
        theirs.close()
        for block in chain(first, blocks):
            ours.send(block)
        ours.send(None)
        return int(ours.recv())
    except (BrokenPipeError, ConnectionResetError, EOFError) as error:
        raise OSError("The process that writes a file has ended too soon.") from error
    finally:
        ours.close()
        if process.pid is not None:
            process.kill()
            process.join()


def _work(sent: Connection, write: WriteBlocks) -> None:
    os.nice(_LOWEST)
    # The sender decides when to end: then there is no more to receive.
    end_with_parent()
    with contextlib.suppress(EOFError, ConnectionResetError):
        sent.send(write(iter(sent.recv, None)))
