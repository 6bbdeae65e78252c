"""OS Login: the POSIX accounts and the SSH keys of whoever calls. Nobody may touch those of others.

The part `oslogin` of the state is `{e-mail: login profile}`. Which POSIX accounts an account has says the setting
`accounts`: `{e-mail: {"posix": [{"username": "imgforge-test", "primary": true, ...}]}}`; without it the account has
one, of the name that `ssh_account` says.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

from call import Call, Json, Refused

if TYPE_CHECKING:
    from world import World

DOCUMENT = "oslogin.v1"
PREFIX = ("/", "/oslogin/")

# What a profile holds at most, in bytes.
FULL = 32 * 1024


def _user(call: Call, name: str) -> str:
    """The e-mail of a resource's name `users/E-MAIL/…`, which must be the caller's."""
    user = name.split("/")[1]
    if call.bearer is None or user != call.bearer.owner:
        raise Refused(403, "forbidden", f"The caller does not have permission to act for {user}.")
    return user


def _profile(world: World, user: str, project: str | None) -> Json:
    """The profile, made when it is first asked for. An account without a POSIX account gets one by naming a project."""
    profiles = world.part("oslogin")
    # A seed may have said but a part of it.
    profile: Json = {"name": f"users/{user}", "posixAccounts": [], "sshPublicKeys": {}} | profiles.get(user, {})
    profiles[user] = profile
    wanted = world.settings["accounts"].get(user, {}).get("posix")
    if wanted is None:
        wanted = [{"username": world.settings["ssh_account"], "primary": True}] if project else []
    if wanted and not profile["posixAccounts"]:
        profile["posixAccounts"] = [
            _posix(user, account.get("accountId", project or "fake-project"), 2000 + number, account)
            for number, account in enumerate(wanted)
        ]
    return profile


def _posix(user: str, project: str, number: int, given: Json) -> Json:
    return {
        "name": f"users/{user}/projects/{project}",
        "accountId": project,
        "uid": str(number),
        "gid": str(number),
        "homeDirectory": f"/home/{given['username']}",
        "shell": "/bin/bash",
        "operatingSystemType": "LINUX",
        **given,
    }


def _shown(profile: Json) -> Json:
    """A profile as it is now: what is empty is left out, as Google's JSON does everywhere."""
    return json.loads(json.dumps({name: value for name, value in profile.items() if value}))  # type: ignore[no-any-return]


def get_login_profile(call: Call) -> Json:
    user = _user(call, call.path["name"])
    # The document says that it is required, but in words only.
    if "projectId" not in call.query:
        call.world.violation("oslogin.users.getLoginProfile: query parameter `projectId` is missing")
        raise Refused(400, "badRequest", "projectId is required.")
    return _shown(_profile(call.world, user, call.query["projectId"]))


def import_key(call: Call) -> Json:
    """Adds a key, or sets the expiry of one that is there, and makes sure of a POSIX account."""
    user = _user(call, call.path["parent"])
    profile = _profile(call.world, user, call.query.get("projectId"))
    _add(profile, user, call.body or {})
    return {"loginProfile": _shown(profile)}


def create_key(call: Call) -> Json:
    user = _user(call, call.path["parent"])
    return dict(_add(_profile(call.world, user, None), user, call.body or {}))


def _add(profile: Json, user: str, body: Json) -> Json:
    text = body.get("key", "")
    if len(text.split()) < 2 or not text.split()[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise Refused(400, "badRequest", "The SSH public key is malformed.")
    _check_expiry(body)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    key = {"key": text, "fingerprint": fingerprint, "name": f"users/{user}/sshPublicKeys/{fingerprint}"}
    if "expirationTimeUsec" in body:
        key["expirationTimeUsec"] = body["expirationTimeUsec"]
    keys = profile["sshPublicKeys"]
    if len(json.dumps(profile | {"sshPublicKeys": keys | {fingerprint: key}})) > FULL:
        raise Refused(
            400, "badRequest", "Login profile size exceeds 32 KiB. Delete profile values to make additional space."
        )
    keys[fingerprint] = key
    return key


def _check_expiry(body: Json) -> None:
    if "expirationTimeUsec" in body and int(body["expirationTimeUsec"]) <= time.time() * 1_000_000:
        raise Refused(400, "badRequest", "The expiration time of the SSH public key lies in the past.")


def _key(call: Call) -> tuple[Json, str]:
    """The keys of the caller, and the fingerprint of one that is among them."""
    user = _user(call, call.path["name"])
    keys = _profile(call.world, user, None)["sshPublicKeys"]
    fingerprint = call.path["name"].rpartition("/")[2]
    if fingerprint not in keys:
        raise Refused(404, "notFound", f"The SSH public key {fingerprint} does not exist.")
    return keys, fingerprint


def get_key(call: Call) -> Json:
    keys, fingerprint = _key(call)
    return dict(keys[fingerprint])


def delete_key(call: Call) -> Json:
    keys, fingerprint = _key(call)
    del keys[fingerprint]
    return {}


def patch_key(call: Call) -> Json:
    """Changes the expiry; the key itself never changes."""
    keys, fingerprint = _key(call)
    body = call.body or {}
    names = call.query["updateMask"].split(",") if "updateMask" in call.query else list(body)
    if set(names) - {"expirationTimeUsec"}:
        raise Refused(400, "badRequest", f"Only expirationTimeUsec can be changed, not {', '.join(names)}.")
    _check_expiry(body)
    keys[fingerprint] = keys[fingerprint] | body
    return dict(keys[fingerprint])


METHODS = {
    "oslogin.users.getLoginProfile": get_login_profile,
    "oslogin.users.importSshPublicKey": import_key,
    "oslogin.users.sshPublicKeys.create": create_key,
    "oslogin.users.sshPublicKeys.delete": delete_key,
    "oslogin.users.sshPublicKeys.get": get_key,
    "oslogin.users.sshPublicKeys.patch": patch_key,
}
