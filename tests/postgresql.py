"""A real PostgreSQL server for the registry's tests, and a new migrated database of it for each test."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from odometer.accounts import open_registry
from odometer.clock import Clock
from tests.e2e.process import free_port
from tests.tools.conftest import missing

_OWNER = "postgres"
_TEMPLATE = "migrated"


def _folder_of_programs() -> Path | None:
    """Where the newest server's programs are; systems keep them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    in_path = shutil.which("initdb")
    return Path(in_path).parent if in_path else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Gives the address of a new database with the registry's tables, each time it is called."""
    programs = _folder_of_programs()
    if programs is None:
        missing("PostgreSQL", "install your system's package postgresql")
        return
    # The server refuses to run as root, and its owner must be able to enter every folder above.
    as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        if as_owner:
            shutil.chown(folder, _OWNER)
        port, data = free_port(), f"{folder}/data"
        making = [str(programs / "initdb"), "-D", data, "-U", _OWNER, "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*as_owner, *making], check=True, capture_output=True, cwd=folder)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
        control = [*as_owner, str(programs / "pg_ctl"), "-D", data, "-w"]
        starting = [*control, "-o", options, "-l", f"{folder}/log", "start"]
        subprocess.run(starting, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield _maker(port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder)


def _maker(port: int) -> Callable[[], str]:
    address = f"{_OWNER}@127.0.0.1:{port}"
    _create(address, _TEMPLATE)
    open_registry(f"postgresql+psycopg://{address}/{_TEMPLATE}", Clock()).close()
    numbers = count(1)

    def make() -> str:
        name = f"registry_{next(numbers)}"
        _create(address, name, f"TEMPLATE {_TEMPLATE}")
        return f"postgresql+psycopg://{address}/{name}"

    return make


def _create(address: str, name: str, how: str = "") -> None:
    with psycopg.connect(f"postgresql://{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {how}".encode())
