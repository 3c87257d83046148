"""``[organisation]``: AWS Organizations, and the policies that were deployed for the bot to use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from bot.config.fields import Table, matching

OptionalAccount = Annotated[
    str, AfterValidator(matching(r"|\d{12}", "must be an account id of 12 digits, as a string"))
]
PolicyId = Annotated[
    str, AfterValidator(matching(r"|p-[0-9A-Za-z_]{8,128}", 'must be the id of a service control policy: "p-…"'))
]
StoreId = Annotated[str, AfterValidator(matching(r"|d-[0-9a-f]{10}", 'must be the id of an identity store: "d-…"'))]
TagKey = Annotated[
    str, AfterValidator(matching(r"[\w+=.@-][\w+=.@ /:-]{0,127}", "must be a tag's key: letters, digits and _.:/=+-@"))
]


class Organisation(Table):
    account: OptionalAccount = ""
    quarantine_policy: PolicyId = ""
    quarantine_tag: TagKey = "triage-quarantine"
    principals_policy: PolicyId = ""
    addresses_policy: PolicyId = ""
    persons_policy: PolicyId = ""
    identity_store: StoreId = ""
    identity_region: str = ""

    @model_validator(mode="after")
    def _is_somewhere(self) -> Organisation:
        used = (self.quarantine_policy, self.principals_policy, self.addresses_policy, self.persons_policy)
        if any(used) and not self.account:
            raise ValueError("names a policy but no account: set account to where AWS Organizations is called")
        return self
