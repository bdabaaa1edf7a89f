"""From address to country, over HTTP into the derived table; the address itself goes nowhere."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from odometer.collect.envelope import ParseOptions
from odometer.collect.geography import open_geography
from odometer.collect.ingest import Ingest
from odometer.http.collect import collect_router
from odometer.http.request_log import configure_logging
from tests.conftest import Store
from tests.described import DescribedClient
from tests.http.conftest import World
from tests.unit.collect.test_geography import CITY, write

AMERICAN, SWEDISH = "81.2.69.160", "89.160.20.112"
AT = "2030-03-10T08:00:00Z"
Post = Callable[..., dict[str, Any]]


@pytest.fixture
def product(world: World, store: Store) -> int:
    """A product of the registry that the store knows nothing of yet."""
    product_id = store.new_product()
    world.registry.products.add(f"Product {product_id}", product_id)
    return product_id


@pytest.fixture
def post(world: World, store: Store, product: int, tmp_path: Path) -> Post:
    """Sends a batch from an address and derives its clients."""
    options = ParseOptions(locate=open_geography(write(tmp_path / "geo.mmdb", CITY)))
    app = world.app(routers=[collect_router(Ingest(store.writer, world.clock), options)], trusted_proxies=("10.0.0.1",))

    def send(
        content: object, address: str, *, relay: bool = False, lines: bool = False, **headers: str
    ) -> dict[str, Any]:
        key = world.registry.keys.add(product, may_set_ip=relay).text
        body = (
            "\n".join(json.dumps(line) for line in content)
            if lines and isinstance(content, list)
            else json.dumps(content)
        )
        kind = "application/x-ndjson" if lines else "application/json"
        with DescribedClient(app, client=(address, 50_000)) as caller:
            answer = caller.post(
                f"/collect/v1/{product}/batch",
                content=body,
                headers={"Authorization": f"Bearer {key}", "Content-Type": kind, **headers},
            )
        assert answer.status_code == 200
        store.derivation.derive_since(product, 0)
        found: dict[str, Any] = answer.json()
        return found

    return send


def beat(client: str, **members: Any) -> dict[str, Any]:
    return {"clientId": client, "seq": 1, "type": "heartbeat", "at": AT, **members}


def places(store: Store, product: int) -> dict[str, tuple[str, str, str]]:
    sql = """SELECT client, any(p_geography_continent), any(p_geography_country), any(p_geography_us_state)
        FROM odometer.client_day WHERE product = {p:UInt64} GROUP BY client"""
    return {
        client: (continent or "", country or "", state or "")
        for client, continent, country, state in store.engine.rows(sql, {"p": product})
    }


def test_the_callers_address_says_where_a_client_is(post: Post, store: Store, product: int) -> None:
    post({"clientId": "client-us", "records": [beat("client-us")]}, AMERICAN)
    post({"clientId": "client-se", "records": [beat("client-se")]}, f"::ffff:{SWEDISH}")
    post({"clientId": "client-10", "records": [beat("client-10")]}, "10.1.2.3")
    post({"clientId": "client-px", "records": [beat("client-px")]}, "10.0.0.1", **{"X-Forwarded-For": SWEDISH})

    assert places(store, product) == {
        "client-us": ("North America", "US", "CA"),
        "client-se": ("Europe", "SE", ""),
        "client-10": ("", "", ""),
        "client-px": ("Europe", "SE", ""),
    }


def test_a_relay_names_the_address_of_each_line(post: Post, store: Store, product: int) -> None:
    answer = post(
        [beat("client-us", ip=AMERICAN), beat("client-se", ip=f"::ffff:{SWEDISH}"), beat("client-xx", ip="nowhere")],
        "10.1.2.3",
        relay=True,
        lines=True,
    )

    assert (answer["accepted"], [(item["index"], item["field"]) for item in answer["rejected"]]) == (2, [(2, "ip")])
    assert places(store, product) == {"client-us": ("North America", "US", "CA"), "client-se": ("Europe", "SE", "")}


def test_without_the_right_a_named_address_is_not_looked_at(post: Post, store: Store, product: int) -> None:
    post([beat("client-us", ip=AMERICAN)], SWEDISH, lines=True)

    assert places(store, product) == {"client-us": ("Europe", "SE", "")}


def test_the_address_is_neither_stored_nor_logged(
    post: Post, store: Store, product: int, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    configure_logging("DEBUG")
    try:
        post([beat("client-us", ip=AMERICAN), beat("client-xx", ip=f"{AMERICAN}.1")], SWEDISH, relay=True, lines=True)
        post({"clientId": "client-se", "records": [beat("client-se")]}, SWEDISH, **{"X-Forwarded-For": AMERICAN})
    finally:
        structlog.reset_defaults()
        root.handlers[:] = before[1]
        root.setLevel(before[0])

    logged = capsys.readouterr()
    assert '"route": "/collect/v1/{product_id}/batch"' in logged.out
    kept = [
        repr(store.engine.rows(f"SELECT * FROM odometer.{table} WHERE product = {{p:UInt64}}", {"p": product}))
        for table in ("records", "client", "client_day")
    ]
    assert "client-us" in kept[0]
    for text in (*kept, logged.out, logged.err):
        assert AMERICAN not in text
        assert SWEDISH not in text
