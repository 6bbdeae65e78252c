"""Google's OAuth 2: tokens for refresh tokens and for signed assertions, and what a token says of itself.

`POST /oauth2/token` and `/oauth2/tokeninfo` stand in no document, so that their forms are checked here;
`/oauth2/oauth2/v2/tokeninfo` and `userinfo` are checked by theirs. Only `userinfo` needs a token in its header.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

import tokens
from call import Answer, Call, Json, Refused

DOCUMENT = "oauth2.v2"
PREFIX = "/oauth2/"
OPEN = {"oauth2.tokeninfo"}

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Whom an assertion may be for, beside the address that it was sent to.
AUDIENCES = {
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
}
CLIENT = "123456789012345678901"


def refused(error: str, description: str, status: int = 400) -> Answer:
    """An error as RFC 6749 has it, and not as Google's other services."""
    return Answer({"error": error, "error_description": description}, status)


def form(call: Call) -> dict[str, str]:
    """The fields of a form; what is no form, or names a field twice, is refused."""
    kind = call.headers.get_content_type()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(400, "badRequest", f"a form was due, and {kind} came")
    pairs = parse_qsl(call.raw.decode(), keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused(400, "badRequest", "a field of the form is given twice")
    return fields


def token(call: Call) -> Answer:
    """An access token for a refresh token, or for an assertion that a service account signed."""
    fields = form(call)
    with call.world.lock:
        match fields.get("grant_type"):
            case "refresh_token":
                return _refreshed(call, fields)
            case grant if grant == JWT_BEARER:
                return _asserted(call, fields.get("assertion", ""))
            case grant:
                return refused("unsupported_grant_type", f"Invalid grant_type: {grant}")


def _refreshed(call: Call, fields: dict[str, str]) -> Answer:
    if not fields.get("client_id") or not fields.get("client_secret"):
        return refused("invalid_client", "The OAuth client was not found.", 401)
    owner = call.world.settings["refresh_tokens"].get(fields.get("refresh_token"))
    if owner is None:
        return refused("invalid_grant", "Token has been expired or revoked.")
    return _granted(call, owner, fields.get("scope") or " ".join(tokens.ALL_SCOPES))


def _asserted(call: Call, assertion: str) -> Answer:
    try:
        owner = tokens.claims_of(assertion)["iss"]
    except (ValueError, KeyError):
        return refused("invalid_grant", "Bad Request")
    if owner not in call.world.settings["accounts"]:
        return refused("invalid_grant", "Invalid grant: account not found")
    try:
        claims = tokens.verified(assertion, owner)
    except ValueError as error:
        return refused("invalid_grant", f"Invalid JWT: {error}")
    if claims["exp"] - claims["iat"] > tokens.LONGEST_SECONDS:
        return refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
    if claims.get("aud") not in AUDIENCES | {f"{call.world.url}/oauth2/token"}:
        return refused("invalid_grant", "Invalid JWT: Failed audience check.")
    if not claims.get("scope"):
        return refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return _granted(call, owner, claims["scope"])


def _granted(call: Call, owner: str, scope: str) -> Answer:
    text, bearer = tokens.issue(call.world, owner, tuple(scope.split()))
    return Answer({"access_token": text, "expires_in": bearer.seconds, "scope": scope, "token_type": "Bearer"})


def tokeninfo(call: Call) -> Answer:
    """The newer form, in which numbers are texts. An e-mail is there only when the token has the scope for it."""
    asked = form(call) if call.raw else call.query
    with call.world.lock:
        bearer = tokens.bearer_of(call.world, asked.get("access_token", ""))
    if bearer is None or not bearer.seconds:
        return refused("invalid_token", "Invalid Value")
    info: Json = {
        "azp": CLIENT,
        "aud": CLIENT,
        "scope": " ".join(bearer.scopes),
        "exp": str(int(bearer.expires)),
        "expires_in": str(bearer.seconds),
        "access_type": "online",
    }
    return Answer(info | ({"email": bearer.owner, "email_verified": "true"} if tokens.EMAIL in bearer.scopes else {}))


def tokeninfo_of_version_2(call: Call) -> Json | Answer:
    bearer = tokens.bearer_of(call.world, call.query.get("access_token", ""))
    if bearer is None or not bearer.seconds:
        return refused("invalid_token", "Invalid Value")
    info: Json = {
        "issued_to": CLIENT,
        "audience": CLIENT,
        "scope": " ".join(bearer.scopes),
        "expires_in": bearer.seconds,
    }
    return info | ({"email": bearer.owner, "verified_email": True} if tokens.EMAIL in bearer.scopes else {})


def userinfo(call: Call) -> Json:
    if call.bearer is None or tokens.EMAIL not in call.bearer.scopes:
        raise Refused(401, "authError", "Request is missing required authentication credential.")
    return {"id": CLIENT, "email": call.bearer.owner, "verified_email": True}


METHODS = {"oauth2.tokeninfo": tokeninfo_of_version_2, "oauth2.userinfo.get": userinfo}
RAW = [
    ("POST", r"/oauth2/token", token),
    ("GET", r"/oauth2/(?:oauth2/v[13]/)?tokeninfo", tokeninfo),
    ("POST", r"/oauth2/(?:oauth2/v[13]/)?tokeninfo", tokeninfo),
]
