"""Who is calling, and what they may do: the one value the guard of the HTTP room works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from odometer.accounts.permission import ALL_PERMISSIONS, READING, Permission, with_implied


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, through a session or an API token.

    Attributes:
        user_id: who.
        email: the user name, for the audit log.
        display_name: how to greet them.
        is_admin: account-wide administrator: every permission on every product.
        granted: permissions by product, as granted.
        only_products: a token's limit, None = all of its owner's products.
        is_read_only: a token's limit to reading.
        token_id: the token that stands for them, None = they have logged in.
        password_proof: which password they have just given (`Users.check_password`); empty otherwise.

    """

    user_id: int
    email: str
    display_name: str
    is_admin: bool
    granted: Mapping[int, frozenset[Permission]]
    only_products: frozenset[int] | None = None
    is_read_only: bool = False
    token_id: int | None = None
    password_proof: str = field(default="", repr=False, compare=False)

    def permissions_on(self, product_id: int) -> frozenset[Permission]:
        """Everything the caller may do with the product; nothing means that it is invisible to them."""
        if self.only_products is not None and product_id not in self.only_products:
            return frozenset()
        held = ALL_PERMISSIONS if self.is_admin else with_implied(self.granted.get(product_id, ()))
        return held & READING if self.is_read_only else held

    @property
    def may_administer(self) -> bool:
        """Whether the caller may manage users and products of the whole account; a limited token may not."""
        return self.is_admin and self.only_products is None and not self.is_read_only
