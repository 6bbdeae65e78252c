"""IAM Credentials: the token of a service account, for whoever may impersonate it.

An account's `impersonators` in the setting `accounts` are the owners of tokens that may; anyone may where there are
none.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

import tokens
from call import Call, Json, Refused

DOCUMENT = "iamcredentials.v1"
PREFIX = "/iamcredentials/"


def generate_access_token(call: Call) -> Json:
    """A token of at most an hour; a longer life would need a policy of the organisation."""
    body, accounts = call.body or {}, call.world.settings["accounts"]
    account = call.path["name"].rpartition("/")[2]
    if account not in accounts:
        raise Refused(404, "notFound", f"Not found; Gaia id not found for email {account}")
    allowed = accounts[account].get("impersonators")
    if allowed is not None and (call.bearer is None or call.bearer.owner not in allowed):
        message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
        raise Refused(403, "forbidden", message)
    lifetime = re.fullmatch(r"(\d+)s", body.get("lifetime", "3600s"))
    if not lifetime or not 0 < int(lifetime[1]) <= tokens.LONGEST_SECONDS:
        raise Refused(400, "badRequest", "The token lifetime must be from 1s to 3600s.")
    if not body.get("scope"):
        raise Refused(400, "badRequest", "There is no scope.")
    text, bearer = tokens.issue(call.world, account, tuple(body["scope"]), int(lifetime[1]))
    expires = datetime.fromtimestamp(bearer.expires, timezone.utc)
    return {"accessToken": text, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}


METHODS = {"iamcredentials.projects.serviceAccounts.generateAccessToken": generate_access_token}
