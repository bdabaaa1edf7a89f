"""The page /docs: the API reference, shown by Swagger UI from files of this package."""

from typing import Final

# Scripts, styles and data come from this server; signs of the interface are data: images.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Addresses are relative, so that the page works below any path of a proxy.
DOCS_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Odometer API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/swagger-ui/swagger-ui.css">
<link rel="stylesheet" href="static/docs.css">
</head>
<body>
<p id="links">For programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1) and
<a href="postman.json">postman.json</a> (a Postman collection).</p>
<div id="reference"></div>
<noscript>This page needs JavaScript; openapi.json has all that it shows.</noscript>
<script src="static/swagger-ui/swagger-ui-bundle.js"></script>
<script src="static/docs.js"></script>
</body>
</html>
"""
