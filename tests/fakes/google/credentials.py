"""Files of credentials for tests: `POST /_fake/credentials {"type": "service_account"}` answers what the file holds.

Types: `service_account`, `authorized_user`, `external_account` (of the GitHub job that `ci_tokens.py` plays; with
`"file": PATH` of a GitLab job whose token is in that file), `impersonated_service_account` (by the settings' first
account). `account` names another account than the first of the settings; one that is not there yet is made. All
addresses in them are the fake's.
"""

from __future__ import annotations

import secrets

import tokens
from call import Call, Json, Refused


def credentials(call: Call) -> Json:
    world, asked = call.world, call.body or {}
    accounts = world.settings["accounts"]
    account = asked.get("account", next(iter(accounts)))
    world.settings["accounts"] = accounts | {account: accounts.get(account, {})}
    impersonation = f"{world.url}/iamcredentials/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    match asked.get("type"):
        case "service_account":
            return _service_account(world.url, account)
        case "authorized_user":
            return _authorized_user(call, account)
        case "external_account":
            return {
                "type": "external_account",
                "audience": f"{tokens.POOL}/providers/{'gitlab' if 'file' in asked else 'github'}",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{world.url}/sts/v1/token",
                "service_account_impersonation_url": impersonation,
                "credential_source": _source(call, asked),
            }
        case "impersonated_service_account":
            source = _authorized_user(call, next(iter(accounts)))
            return {
                "type": "impersonated_service_account",
                "service_account_impersonation_url": impersonation,
                "source_credentials": source,
                "delegates": [],
            }
        case kind:
            raise Refused(400, "invalid", f"there are no credentials of type {kind}")


def _service_account(url: str, account: str) -> Json:
    key = tokens.key_of(account)
    return {
        "type": "service_account",
        "project_id": account.partition("@")[2].partition(".")[0],
        "private_key_id": key.key_id,
        "private_key": key.private,
        "client_email": account,
        "client_id": "123456789012345678901",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{url}/oauth2/token",
        "universe_domain": "googleapis.com",
    }


def _authorized_user(call: Call, account: str) -> Json:
    refresh_token = "1//fake-" + secrets.token_urlsafe(24)
    call.world.settings["refresh_tokens"] = call.world.settings["refresh_tokens"] | {refresh_token: account}
    return {
        "type": "authorized_user",
        "client_id": "fake.apps.googleusercontent.com",
        "client_secret": "fake-client-secret",
        "refresh_token": refresh_token,
        "token_uri": f"{call.world.url}/oauth2/token",
        "universe_domain": "googleapis.com",
    }


def _source(call: Call, asked: Json) -> Json:
    if "file" in asked:
        return {"file": asked["file"], "format": {"type": "text"}}
    audience = f"https:{tokens.POOL}/providers/github"
    return {
        "url": f"{call.world.url}/ci/github/token?api-version=2.0&audience={audience}",
        "headers": {"Authorization": f"Bearer {call.world.settings['ci_request_token']}"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    }


CONTROL = {"credentials": credentials}
