"""HashiCorp Vault as far as `vault_gcp_oauth_engine` needs it: its engine for Google Cloud gives out an access token.

`VAULT_ADDR=URL/vault` and `VAULT_TOKEN` (the setting `vault_token`) lead here: `GET /vault/v1/ENGINE`, where the
engine is a path such as `gcp/token/my-roleset`. Vault's documentation describes the answer; no document of Google's
does.
"""

from __future__ import annotations

import tokens
from call import Answer, Call


def read(call: Call) -> Answer:
    """A token of the settings' first account."""
    if call.headers.get("X-Vault-Token") != call.world.settings["vault_token"]:
        call.world.violation("Vault was asked without its token")
        return Answer({"errors": ["permission denied"]}, 403)
    with call.world.lock:
        text, bearer = tokens.issue(call.world, next(iter(call.world.settings["accounts"])))
    token = {"token": text, "token_ttl": bearer.seconds, "expires_at_seconds": int(bearer.expires)}
    return Answer(
        {"request_id": call.world.number(), "lease_id": "", "renewable": False, "lease_duration": 0, "data": token}
    )


RAW = [("GET", r"/vault/v1/(?P<engine>.+)", read)]
