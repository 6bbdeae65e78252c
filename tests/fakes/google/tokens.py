"""Whose a bearer token is, and the keys that tokens are signed with.

A request carries a token that the fake gave out (`oauth2.py`, `sts.py`, `iamcredentials.py`, `metadata_server.py`),
one that the settings list, or what a service account signed itself: a JWT whose `scope` or `aud` says what it is for.
Signatures are made and checked by google-auth.
"""

from __future__ import annotations

import functools
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

if TYPE_CHECKING:
    from world import World

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
ALL_SCOPES = (CLOUD_PLATFORM, EMAIL)
# The account that there is when the settings name no other.
ACCOUNT = "builder@fake-project.iam.gserviceaccount.com"
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/ci"
PROVIDERS = {f"{POOL}/providers/github": GITHUB, f"{POOL}/providers/gitlab": GITLAB}
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Bearer:
    """Whose a token is: an e-mail, or a `principal://` of a workload identity pool; and what it is good for."""

    owner: str
    scopes: tuple[str, ...]
    expires: float

    @property
    def seconds(self) -> int:
        """How long the token is still good."""
        return max(0, round(self.expires - time.time()))


@dataclass(frozen=True)
class Key:
    """A key pair, in PEM."""

    key_id: str
    private: str
    public: str


@functools.cache
def key_of(owner: str) -> Key:
    """The key of a service account or of an issuer, made when it is first asked for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Key(secrets.token_hex(20), private.decode(), public.decode())


def signed(owner: str, claims: dict[str, Any]) -> str:
    """A JWT with these claims."""
    key = key_of(owner)
    return str(jwt.encode(crypt.RSASigner.from_string(key.private, key_id=key.key_id), claims).decode())


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT claims, whoever signed it; ValueError when it is none."""
    return dict(jwt.decode(token, verify=False))


def verified(token: str, owner: str) -> dict[str, Any]:
    """What a JWT claims that `owner` signed, and that is good now; ValueError says why it is not."""
    return dict(jwt.decode(token, certs=key_of(owner).public, clock_skew_in_seconds=10))


def issue(
    world: World, owner: str, scopes: tuple[str, ...] = ALL_SCOPES, seconds: int = LONGEST_SECONDS
) -> tuple[str, Bearer]:
    """A new access token, of at most the `token_seconds` of the settings."""
    token = "ya29.fake-" + secrets.token_urlsafe(32)
    bearer = Bearer(owner, scopes, time.time() + min(seconds, world.settings["token_seconds"]))
    world.tokens[token] = bearer
    return token, bearer


def bearer_of(world: World, token: str) -> Bearer | None:
    """Whose a token is or was, even when it is expired."""
    if token in world.settings["tokens"]:
        return Bearer(next(iter(world.settings["accounts"])), ALL_SCOPES, time.time() + LONGEST_SECONDS)
    return world.tokens.get(token) or _self_signed(world, token)


def _self_signed(world: World, token: str) -> Bearer | None:
    try:
        owner = claims_of(token)["iss"]
        if owner not in world.settings["accounts"]:
            return None
        claims = verified(token, owner)
    except (ValueError, KeyError):
        return None
    return Bearer(owner, tuple(claims.get("scope", CLOUD_PLATFORM).split()), claims["exp"])
