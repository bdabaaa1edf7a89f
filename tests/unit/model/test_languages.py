"""Languages: one spelling of tags, locale names and English names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odometer.model.languages import full_list, normalise_language

_TAGS = st.from_regex(r"[a-zA-Z]{2,3}([-_][a-zA-Z]{2,4}){0,2}([-_.@][a-zA-Z0-9]{1,8}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en_us", "en-US"),
        ("EN-us", "en-US"),
        ("en-US.UTF-8", "en-US"),
        ("en_US.ISO8859-15@euro", "en-US"),
        ("English (United States)", "en-US"),
        ("English_United States.1252", "en-US"),
        ("American English", "en-US"),
        ("en-UK", "en-GB"),
        ("zh_hans_cn", "zh-Hans-CN"),
        ("Chinese (Simplified, PRC)", "zh-Hans-CN"),
        ("zh-CN", "zh-CN"),
        ("German", "de"),
        ("ger", "de"),
        ("iw_IL", "he-IL"),
        ("sr_RS@latin", "sr-Latn-RS"),
        ("sh", "sr-Latn"),
        ("es-419", "es-419"),
        ("ca_ES_VALENCIA", "ca-ES-valencia"),
        ("de-1996", "de-1996"),
        ("de-DE-u-co-phonebk", "de-DE"),
        ("Norwegian Bokmål (Norway)", "nb-NO"),
        (" fr ", "fr"),
    ],
)
def test_a_language_has_one_spelling(text: str, tag: str) -> None:
    assert normalise_language(text) == tag


@pytest.mark.parametrize(
    "text",
    ["", "C", "C.UTF-8", "POSIX", "1033", "ENU", "xx-YY", "und", "en-QX", "Auto", "German (Atlantis)", "en-Abcd"],
)
def test_what_is_no_known_language_is_kept_as_it_came(text: str) -> None:
    assert normalise_language(text) == text


@settings(max_examples=500)
@given(_TAGS | st.text(max_size=20) | st.sampled_from(["English", "German (Germany)"]))
def test_normalising_again_changes_nothing(text: str) -> None:
    tag = normalise_language(text)

    assert normalise_language(tag) == tag
    assert bool(tag) == bool(text)


def test_the_list_holds_fixed_points_in_order() -> None:
    tags = full_list()

    assert list(tags) == sorted(set(tags))
    assert [tag for tag in tags if normalise_language(tag) != tag] == []
    assert {"en-US", "de-CH", "zh-CN", "zh-Hans-CN", "sr-Latn-RS"} <= set(tags)
