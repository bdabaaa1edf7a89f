"""Regular expressions of requests: what it means that one matches."""


def full_match(pattern: str) -> str:
    """The pattern that matches where `pattern` matches the whole text, line breaks included (chapter 00)."""
    return rf"\A(?s:{pattern})\z"
