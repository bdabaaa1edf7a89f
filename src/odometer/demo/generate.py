"""The seeded generator of Facet CAD's history, as lines of a bulk import (chapter 09).

The model. Installations arrive day by day: more each month, fewer on weekends and holidays, more after a major
release. Each takes one of five plans: free, trial, seat of a company, single purchase, or a key that leaked. Trials are
bought, continued as the free edition, or left. Each is used by one of four kinds of user (curious, occasional, regular,
heavy), whose active days follow one another by effort on a calendar in which weekends and holidays hold little work;
the first weeks are the busiest. Users know the features in plain sight and find the deeper ones after so many active
days, some never; those who find the sticky ones stay longer, so the lost ones are mostly those who did not. Releases
spread through the installed base over months: by automatic update, by prompt, late or never; companies follow their
administrators. One release crashes, most of all with one graphics vendor, and drives users away until they have the
next one. Companies share one key, some beyond their quota; contracts end, and the leaked key is blocked. The first two
of every 32 clients are two editions on one machine. A few opt out.

A client depends on the arguments and its own number only. Nothing else is random, so equal arguments give equal bytes.
"""

import datetime as dt
from collections.abc import Iterator
from random import Random
from typing import Final

from odometer.demo.licensing import Companies
from odometer.demo.life import Life
from odometer.demo.machines import machine
from odometer.demo.plans import make_plan
from odometer.demo.timeline import Timeline

_PAIR_EVERY: Final = 32


def generate(seed: int, clients: int, months: int, today: dt.date) -> Iterator[bytes]:
    """Lines of the history of `clients` installations in the `months` up to `today`, made as they are asked for.

    Lines end without a line break. All lines of a client stand together by day, clients in the order of their ids.
    `months` is at least 1.
    """
    timeline = Timeline(months, today)
    companies = Companies(seed, clients, timeline)
    for number in range(clients):
        rng = Random(f"{seed}/client/{number}")
        client_id = _client_id(number, clients, rng)
        place = number % _PAIR_EVERY
        shared = place if place < 2 and clients > 1 else None
        computer = machine(Random(f"{seed}/machine/{number - 1 if shared == 1 else number}"))
        plan = make_plan(computer, companies, timeline, rng, shared)
        yield from Life(client_id, computer.machine_id, plan, timeline, rng).lines()


def _client_id(number: int, clients: int, rng: Random) -> str:
    """A random id of 16 hexadecimal digits, greater than those of smaller numbers: sorted input loads faster."""
    high = int((number + rng.random()) * 2**32 / clients)
    return f"{high:08X}{rng.getrandbits(32):08X}"
