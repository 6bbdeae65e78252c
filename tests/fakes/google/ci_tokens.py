"""The OpenID Connect tokens of CI jobs, which `sts.py` exchanges.

GitHub gives a job an address (`ACTIONS_ID_TOKEN_REQUEST_URL`, here `URL/ci/github/token?api-version=2.0`) and a
secret (`ACTIONS_ID_TOKEN_REQUEST_TOKEN`, the setting `ci_request_token`), and answers with a token for the audience
asked for. GitLab puts its tokens into the job's environment before it starts: `POST /_fake/ci_token {"audience":
"..."}` answers one to put there. No document describes either.
"""

from __future__ import annotations

import time
import uuid

import tokens
from call import Answer, Call, Json, Refused

SECONDS = 300


def _token(call: Call, issuer: str, audience: str) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer,
        "sub": call.world.settings["ci_subject"],
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": now + SECONDS,
        "jti": str(uuid.uuid4()),
    }
    return tokens.signed(issuer, claims)


def github(call: Call) -> Answer:
    """A token for `audience`, or for the repository's owner without one."""
    if call.headers.get("Authorization") != f"Bearer {call.world.settings['ci_request_token']}":
        call.world.violation("GitHub was asked for a job's token without the job's secret")
        raise Refused(401, "unauthorized", "the bearer is not this job's")
    if call.query.keys() - {"api-version", "audience"} or "api-version" not in call.query:
        call.world.violation(f"GitHub was asked for a job's token with {call.query}")
        raise Refused(400, "badRequest", "the address is not the one that the job was given")
    token = _token(call, tokens.GITHUB, call.query.get("audience", "https://github.com/example"))
    return Answer({"count": len(token), "value": token})


def gitlab(call: Call) -> Json:
    """What GitLab would have put into a variable of the job."""
    return {"token": _token(call, tokens.GITLAB, call.body["audience"])}


RAW = [("GET", r"/ci/github/token", github)]
CONTROL = {"ci_token": gitlab}
