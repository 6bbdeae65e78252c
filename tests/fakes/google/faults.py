"""Rules by which calls fail.

A rule is `{"method": "compute.images.*", "call": 2, "times": 1, "fault": {...}}`: the second call that the glob matches
since the rules were set, and `times` in all (1 when `call` is given, else without end). A fault is one of

    {"http": 429, "reason": "rateLimitExceeded", "message": "..."}   an answer without effect
    {"cut": true}                 the connection is cut, without effect
    {"lost_answer": true}         the connection is cut after the effect
    {"operation": {"code": "QUOTA_EXCEEDED", "message": "..."}}      an error inside the operation, once it is DONE
    {"never_done": true}          the operation never ends, and has no effect but the first
    {"not_found_reads": 3}        so many reads of what was made answer 404
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from call import Json, Refused

KINDS = {"http", "cut", "lost_answer", "operation", "never_done", "not_found_reads"}
REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "alreadyExists",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
    500: "internalError",
    503: "backendError",
}


@dataclass
class Rule:
    method: str
    first: int
    times: int | None
    fault: Json
    seen: int = 0


class Faults:
    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def set(self, rules: list[Json]) -> None:
        """These and no others; counting starts anew."""
        made = []
        for rule in rules:
            unknown = rule.keys() - {"method", "call", "times", "fault"}
            kinds = rule["fault"].keys() & KINDS
            if unknown or len(kinds) != 1:
                raise Refused(400, "invalid", f"no rule: {rule}")
            times = rule.get("times", 1 if "call" in rule else None)
            made.append(Rule(rule["method"], rule.get("call", 1), times, rule["fault"]))
        self.rules = made

    def strike(self, method: str) -> Json:
        """The fault of this call: the first rule's; an empty one for most."""
        struck: Json = {}
        for rule in self.rules:
            if fnmatchcase(method, rule.method):
                rule.seen += 1
                late = rule.times is not None and rule.seen >= rule.first + rule.times
                if rule.seen >= rule.first and not late:
                    struck = struck or rule.fault
        return struck


def refusal(fault: Json) -> Refused:
    status: Any = fault["http"]
    reason = fault.get("reason", REASONS.get(status, "unknown"))
    return Refused(status, reason, fault.get("message", f"a rule of the fake wants {status} here"))
