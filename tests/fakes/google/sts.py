"""Security Token Service: the token of a CI job becomes one of Google's, as RFC 8693 says.

The document describes `sts.token` with JSON in camelCase, while all clients send the standard's form in snake_case.
Both are answered here, and held against the document once the form's names are changed. Which providers there are,
and whose tokens each takes, says the setting `identity_providers`. No token is needed in the header: the one in the
body counts.
"""

from __future__ import annotations

import re

import checks
import oauth2
import tokens
from call import Answer, Call, Json, Refused

METHOD = checks.Document("sts.v1").methods["sts.token"]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# What must be one of a few, and what it is called when it is not.
FIXED = {
    "grantType": ({EXCHANGE}, "unsupported_grant_type"),
    "requestedTokenType": ({ACCESS_TOKEN}, "invalid_request"),
    "subjectTokenType": (
        {"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"},
        "invalid_request",
    ),
}


def token(call: Call) -> Answer:
    """Exchanges a CI job's token for one of its workload identity, which may hardly do more than impersonate."""
    body = call.body if call.body is not None else _camel_case(oauth2.form(call))
    if found := METHOD.violations_of_request({}, {}, body):
        call.world.violation("sts.token: " + "; ".join(found))
        raise Refused(400, "invalid", "; ".join(found))
    with call.world.lock:
        answer = _exchanged(call, body)
    if answer.status == 200 and (found := METHOD.violations_of_response(answer.body)):
        call.world.violation("response of sts.token: " + "; ".join(found))
    return answer


def _camel_case(fields: dict[str, str]) -> Json:
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value for name, value in fields.items()}


def _exchanged(call: Call, body: Json) -> Answer:
    for name, (allowed, error) in FIXED.items():
        if body.get(name) not in allowed:
            return oauth2.refused(error, f"Invalid value for {name}: {body.get(name)}")
    audience = body.get("audience", "")
    issuer = call.world.settings["identity_providers"].get(audience)
    if issuer is None:
        return oauth2.refused("invalid_target", f"There is no identity provider {audience}, or it is disabled.")
    try:
        claims = tokens.verified(body.get("subjectToken", ""), issuer)
    except ValueError as error:
        return oauth2.refused("invalid_grant", f"The subject token is none that {issuer} signed: {error}")
    if claims.get("aud") not in (audience, f"https:{audience}"):
        message = f"The audience in ID Token [{claims.get('aud')}] does not match the expected audience {audience}."
        return oauth2.refused("invalid_grant", message)
    if not body.get("scope"):
        return oauth2.refused("invalid_scope", "There is no scope.")
    pool = audience.partition("/providers/")[0]
    text, bearer = tokens.issue(call.world, f"principal:{pool}/subject/{claims['sub']}", tuple(body["scope"].split()))
    return Answer(
        {
            "access_token": text,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": bearer.seconds,
        }
    )


RAW = [("POST", r"/sts/v1/token", token)]
