"""propertyValues lists exactly the values that the oracle finds, on every history."""

import datetime as dt

from hypothesis import given

from odometer.model.properties import CATALOGUE
from odometer.reports.definition import Context
from odometer.reports.property_values import REPORT, run
from tests.conftest import Store
from tests.oracle.history import lives
from tests.oracle.values import values
from tests.worlds import World, feed, received, worlds

# Operating systems stand in the order of their release, which no oracle can know.
LISTED = [p.name for p in CATALOGUE if p.supports_meta(None)]


@given(world=worlds())
def test_values_are_the_oracles(store: Store, world: World) -> None:
    product = feed(store, world)
    found = list(lives(received(world)).values())
    context = Context(product, 40, None, dt.date(2033, 1, 1), store.questions)
    for name in LISTED:
        request = REPORT.request.model_validate({"property": name})
        answered = [entry["value"] for entry in run(request, context)["result"]]
        assert sorted(answered) == values(found, name), name
        assert answered == sorted(answered) or name.startswith("os."), name
