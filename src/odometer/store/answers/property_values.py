"""Which values a property has over all that is stored, and which custom properties are used at all."""

from odometer.model.properties import BY_NAME, CUSTOM_SLOTS, Property
from odometer.selection.reading import NULL_LABEL
from odometer.store.answers.ask import Ask
from odometer.store.tables import CLIENT, CLIENT_DAY


def property_values(
    ask: Ask,
    product_id: int,
    prop: Property,
    *,
    exact: str | None = None,
    pattern: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[str]:
    """The distinct values of a text property, `<NULL>` among them, in code point order.

    Those equal to `exact`, those in which `pattern` is found, those behind `after`; at most `limit`.
    """
    params = {"product": product_id, "exact": exact, "pattern": pattern, "after": after}
    wanted = []
    if exact is not None:
        wanted.append("value = {exact:String}")
    if pattern is not None:
        wanted.append(f"value != '{NULL_LABEL}' AND match(value, concat('(?s)', {{pattern:String}}))")
    if after is not None:
        wanted.append("value > {after:String}")
    table = CLIENT_DAY if prop.daily else CLIENT
    sql = f"""
        SELECT if(stored = '', '{NULL_LABEL}', toString(stored)) AS value FROM (
            SELECT {prop.column} AS stored FROM {table} WHERE product = {{product:UInt64}}
            GROUP BY stored HAVING sum(sign) > 0
        ) WHERE {" AND ".join(wanted) or "1"} ORDER BY value{f" LIMIT {limit:d}" if limit else ""}"""
    rows = ask(sql, {name: value for name, value in params.items() if value is not None})
    return [value for (value,) in rows]


def custom_slots_in_use(ask: Ask, product_id: int) -> frozenset[str]:
    """The custom properties that have a value on any day."""
    slots = [BY_NAME[slot] for slot in CUSTOM_SLOTS]
    counts = ", ".join(f"sumIf(sign, {slot.column} != '') > 0" for slot in slots)
    sql = f"SELECT {counts} FROM {CLIENT_DAY} WHERE product = {{product:UInt64}}"
    row = ask(sql, {"product": product_id})[0]
    return frozenset(slot.name for slot, used in zip(slots, row, strict=True) if used)
