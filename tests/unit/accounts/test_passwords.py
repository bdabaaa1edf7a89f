"""Passwords that a guesser tries first are not taken, and why is told."""

import pytest

from odometer.accounts.passwords import checked_password
from odometer.errors import Problem

EMAIL = "ada.lovelace@example.com"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "seven lamps by the river",
        "pässwörter-sind-lang",
        "x7#Kp2!vQz9w",
        "password of ada's dog Rex",
        "correct correct horse",
        "the odometer of my grandfather",
        "83kx-2207-91wd-64",
    ],
)
def test_long_and_uncommon_ones_are_taken(password: str) -> None:
    assert checked_password(password, EMAIL) == password


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven chrs", "12 to 256 characters; this one has 11"),
        ("x" * 257, "12 to 256 characters"),
        ("1q2w3e4r5t6y", "commonest"),
        ("Password12345", "commonest"),
        ("QWERTYUIOP!!", "commonest"),
        ("1234password", "commonest"),
        ("!!password!!", "commonest"),
        ("passwordpassword", "commonest"),
        ("letmeinletmein", "commonest"),
        ("password1password2", "commonest"),
        ("p a s s w o r d", "commonest"),
        ("p.a.s.s.w.o.r.d", "commonest"),
        ("1l2e3t4m5e6i7n", "commonest"),
        ("p@ssw0rd p@ssw0rd", "commonest"),
        ("\uff30\uff21\uff33\uff33\uff37\uff2f\uff32\uff24 2030", "commonest"),
        ("123456789012", "no letters"),
        ("2030-06-20 11:47:03", "no letters"),
        ("odometer1234", "name of this server"),
        ("odometerodometer", "name of this server"),
        ("My-Odometer-1", "name of this server"),
        ("odometer-password", "name of this server"),
        ("aaaaaaaaaaaaaaaa", "too few different"),
        ("abababababababab", "too few different"),
        ("ada.lovelace@example.com", "too much like the address"),
        ("AdaLovelace1", "too much like the address"),
        ("ada.lovelace1", "too much like the address"),
        ("1lovelace1815", "too much like the address"),
        ("\ud800 and more than twelve", "surrogate"),
    ],
)
def test_what_a_guesser_tries_first_is_refused(password: str, why: str) -> None:
    with pytest.raises(Problem, match=why) as refused:
        checked_password(password, EMAIL, "newPassword")
    assert (refused.value.code, refused.value.field) == ("INVALID_FIELD", "newPassword")
