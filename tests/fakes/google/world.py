"""All that the fake cloud has: resources, other services' parts, tokens, settings, and a clock that lets things happen.

Whoever reads or changes any of it holds `lock`, a condition that is notified of every change.
"""

from __future__ import annotations

import heapq
import itertools
import shutil
import sys
import tempfile
import threading
import time
import traceback
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import tokens
from call import Json, Refused
from faults import Faults
from tokens import Bearer

SETTINGS: Json = {
    # How long an operation takes from its start to DONE.
    "operation_seconds": 0.1,
    # The accounts that there are, by e-mail. What may be said of each: `posix`, its POSIX accounts for OS Login (oslogin.py);
    # `impersonators`, whose tokens are exchanged for its own (anyone's without it).
    "accounts": {tokens.ACCOUNT: {}},
    # Tokens that are good from the start: the first account's.
    "tokens": ["fake-token"],
    # How long the tokens that the fake gives out are good, at most.
    "token_seconds": 3600,
    # Refresh token to the account that it is for.
    "refresh_tokens": {},
    # Workload identity providers: audience to the issuer whose tokens it takes.
    "identity_providers": tokens.PROVIDERS,
    # The secret by which a job of GitHub asks for its token, and what that says of the job.
    "ci_request_token": "fake-request-token",
    "ci_subject": "repo:example/images:ref:refs/heads/main",
    "vault_token": "fake-vault-token",
    # APIs that are not enabled, and permissions that nobody has.
    "disabled_services": [],
    "denied_permissions": [],
    # How much of each chunk of a resumable upload is kept, a multiple of 256 KiB; None keeps all.
    "chunk_kept_bytes": None,
    # After how many bytes to the client an IAP connection is cut, how often that still happens, and whether the relay knows
    # afterwards what was cut.
    "iap_cut_after_bytes": None,
    "iap_cuts": 1,
    "iap_remembers": True,
    "ssh_port": 22,
    # The local account of this machine that plays the guest's.
    "ssh_account": "imgforge-test",
    # How long after an instance runs its sshd starts.
    "boot_seconds": 0,
    # Whether instances have an sshd at all.
    "guests": True,
    # Zones that an `aggregatedList` cannot look into.
    "unreachable_zones": [],
    # The longest that an operation's `wait` waits:
    # https://cloud.google.com/compute/docs/reference/rest/v1/zoneOperations/wait
    "wait_seconds": 120,
    # The shortest `maxRunDuration`; Google's own minimum is 30 seconds.
    "shortest_run_seconds": 30,
    # Smaller for tests that would read a whole disk.
    "bytes_per_gb": 2**30,
}


class World:
    def __init__(self, url: str, settings: Json) -> None:
        self.url = url
        self.settings = SETTINGS | settings
        self.lock = threading.Condition()
        self.folder = Path(tempfile.mkdtemp(prefix="fake-google-"))
        # Accounts of guests must get at their keys and disks below it.
        self.folder.chmod(0o755)
        # Of Compute Engine, by their path: `projects/P/zones/Z/disks/D`.
        self.resources: dict[str, Json] = {}
        # Operations by their path, and those that a request's `requestId` began.
        self.operations: dict[str, Any] = {}
        self.requests: dict[tuple[str, str], str] = {}
        # The machines inside of instances, by the instance's path: see guest.py.
        self.guests: dict[str, Any] = {}
        self.last_guest = 0
        # Of the other services: `buckets`, `oslogin`, `secrets`; shown in the state and open to seeds.
        self.parts: dict[str, Json] = {}
        # Whose the tokens are that the fake gave out.
        self.tokens: dict[str, Bearer] = {}
        self.faults = Faults()
        self.log: list[Json] = []
        self.violations: list[str] = []
        # Resource's path to the number of reads that still do not find it.
        self.hidden: dict[str, int] = {}
        # Called under the lock after each call that may have changed something, and at the end of all.
        self.observers: list[Callable[[], None]] = []
        self.closers: list[Callable[[], None]] = []
        self._numbers = itertools.count(4_000_000_000_000_000_001)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        threading.Thread(target=self._clock, daemon=True).start()

    def part(self, name: str) -> Json:
        """The state of a service that is none of Compute Engine's."""
        return self.parts.setdefault(name, {})

    def number(self) -> str:
        """An id that no other has, as Google's 64-bit ones are."""
        return str(next(self._numbers))

    def violation(self, text: str) -> None:
        with self.lock:
            self.violations.append(text)

    def check_token(self, token: str | None) -> Bearer:
        """Whose a token is; refuses what is none. Only one that was good once is no mistake of the client's."""
        if token is None:
            self.violation("a request without a token")
            raise Refused(401, "required", "Request is missing required authentication credential.")
        bearer = tokens.bearer_of(self, token)
        if bearer is None:
            self.violation("a request with a token that nobody gave out")
            raise Refused(401, "authError", "Request had invalid authentication credentials.")
        if bearer.seconds <= 0:
            raise Refused(401, "authError", "Request had invalid authentication credentials: the token has expired.")
        return bearer

    def after(self, seconds: float, function: Callable[[], None]) -> None:
        """Runs a function under the lock, on the clock's own thread, which lives as long as the world."""
        with self.lock:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), function))
            self.lock.notify_all()

    def _clock(self) -> None:
        with self.lock:
            while True:
                now = time.monotonic()
                if not self._due or self._due[0][0] > now:
                    self.lock.wait(self._due[0][0] - now if self._due else None)
                    continue
                function = heapq.heappop(self._due)[2]
                try:
                    function()
                    self.changed()
                except Exception:  # The clock goes on, whatever one thing does.
                    self.violations.append("the fake itself failed: " + traceback.format_exc())
                    traceback.print_exc(file=sys.stderr)
                self.lock.notify_all()

    def changed(self) -> None:
        for observer in self.observers:
            observer()
        self.lock.notify_all()

    def close(self) -> None:
        with self.lock:
            for close in self.closers:
                close()
            shutil.rmtree(self.folder, ignore_errors=True)


def timestamp(ago: float = 0) -> str:
    """The present, or some seconds before it, as Compute Engine writes it."""
    return (datetime.now(timezone.utc) - timedelta(seconds=ago)).isoformat(timespec="milliseconds")


def merged(below: Any, above: Any) -> Any:
    """Objects are merged, all else is replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: merged(below.get(key), value) for key, value in above.items()}
    return above
