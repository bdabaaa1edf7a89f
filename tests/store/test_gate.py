"""The gate: who holds it keeps the writer out however long it takes, and a report only for a moment."""

import threading

from odometer.store.gate import Gate


def closing(gate: Gate, inside: threading.Event) -> threading.Thread:
    def write() -> None:
        with gate.writing():
            inside.set()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_the_writer_waits_for_all_who_hold_the_gate() -> None:
    gate, inside = Gate(), threading.Event()
    with gate.pinned():
        with gate.pinned(), gate.reading():
            writer = closing(gate, inside)
            # Longer than it has patience with reports.
            assert not inside.wait(1.3)
        assert not inside.wait(0.05)
    assert inside.wait(5)
    writer.join()


def test_nobody_holds_the_gate_while_the_writer_is_inside() -> None:
    gate, held = Gate(), threading.Event()

    def hold() -> None:
        with gate.pinned():
            held.set()

    with gate.writing():
        holder = threading.Thread(target=hold)
        holder.start()
        assert not held.wait(0.1)
    assert held.wait(5)
    holder.join()
