"""The API description and the Postman collection of a whole server, composed on empty stores."""

import sys
from contextlib import redirect_stdout
from tempfile import TemporaryDirectory
from typing import Any

from odometer.http.openapi_document import describe
from odometer.serve import application_of
from odometer.settings import read_settings


def server_description() -> dict[str, Any]:
    """The OpenAPI document that a server of this version gives out."""
    # What stores and workers have to say is not part of it.
    with TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        settings = read_settings({"ODOMETER_DATA": folder})
        with application_of(settings) as app:
            return describe(app)
