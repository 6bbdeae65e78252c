"""Lists: the filter language of Compute Engine, the order, and pages.

`labels.a=b status=RUNNING`, `labels.a:*`, `name:web*`, `(a=b) OR (c=d)`, `NOT a=b`, `-a=b`, `a<5`; and the older form
of one comparison by a regular expression of the whole value, `name eq 'web-.*'`.
https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList says more, and this fake refuses it.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Callable

from call import Call, Json, Refused

Test = Callable[[Json], bool]
TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>!=|<=|>=|[=<>:()]|-(?=[\w(]))|(?P<word>[^\s=<>:()!"']+))"""
)
SIGNS = {"=", "!=", "<", ">", "<=", ">=", ":"}


def wrong(text: str) -> Refused:
    return Refused(400, "invalid", f"Invalid value for field 'filter': '{text}'. Invalid list filter expression.")


class Parser:
    """Recursive descent: alternatives of conjunctions of comparisons. AND may be left out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            if not match or not match.lastgroup:
                raise wrong(text)
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    def parse(self) -> Test:
        if len(self.tokens) == 3 and self.tokens[1] in (("word", "eq"), ("word", "ne")):
            return self.by_regex()
        test = self.alternatives()
        if self.tokens:
            raise wrong(self.text)
        return test

    def by_regex(self) -> Test:
        name, wanted = self.tokens[0][1], self.tokens[1][1] == "eq"
        try:
            regex = re.compile(unquoted(self.tokens[2][1]))
        except re.error:
            raise wrong(self.text) from None
        return lambda resource: bool(regex.fullmatch(written(value_at(resource, name)))) is wanted

    def take(self, *wanted: tuple[str, str]) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def alternatives(self) -> Test:
        tests = [self.conjunction()]
        while self.take(("word", "OR")):
            tests.append(self.conjunction())
        return lambda resource: any(test(resource) for test in tests)

    def conjunction(self) -> Test:
        tests = [self.term()]
        while self.tokens and self.tokens[0] not in (("sign", ")"), ("word", "OR")):
            self.take(("word", "AND"))
            tests.append(self.term())
        return lambda resource: all(test(resource) for test in tests)

    def term(self) -> Test:
        if self.take(("word", "NOT"), ("sign", "-")):
            test = self.term()
            return lambda resource: not test(resource)
        if self.take(("sign", "(")):
            test = self.alternatives()
            if not self.take(("sign", ")")):
                raise wrong(self.text)
            return test
        return self.comparison()

    def comparison(self) -> Test:
        if (
            len(self.tokens) < 3
            or self.tokens[0][0] == "sign"
            or self.tokens[1][1] not in SIGNS
            or self.tokens[2][0] == "sign"
        ):
            raise wrong(self.text)
        (_, name), (_, sign), (_, value) = self.tokens[:3]
        del self.tokens[:3]
        return lambda resource: compare(value_at(resource, name), sign, unquoted(value))


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in "\"'" and len(text) > 1 else text


def value_at(resource: Json, name: str) -> Any:
    """`labels.a` or `"labels"."a"`; what is not there is None."""
    value: Any = resource
    for part in unquoted(name).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def written(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def compare(value: Any, sign: str, wanted: str) -> bool:
    if isinstance(value, list):
        return any(compare(one, sign, wanted) for one in value) if value else False
    if sign == ":":
        # Existence, a pattern with stars, or a part of the text.
        if value is None:
            return False
        pattern = ".*".join(map(re.escape, wanted.split("*"))) if "*" in wanted else f".*{re.escape(wanted)}.*"
        return bool(re.fullmatch(pattern, written(value), re.IGNORECASE | re.DOTALL))
    if sign in ("=", "!="):
        same = bool(re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), written(value), re.DOTALL))
        return same is (sign == "=") and (value is not None or sign == "!=")
    if value is None:
        return False
    left, right = (
        (float(written(value)), float(wanted))
        if is_number(written(value)) and is_number(wanted)
        else (written(value), wanted)
    )
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]  # type: ignore[operator]


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def select(call: Call, resources: list[Json]) -> list[Json]:
    """Those that the request's filter takes, in the order that it asks for: by name, unless newest first."""
    text = call.query.get("filter", "")
    if text.strip():
        test = Parser(text).parse()
        resources = [resource for resource in resources if test(resource)]
    order = call.query.get("orderBy", "name")
    if order == "creationTimestamp desc":
        return sorted(resources, key=lambda resource: (resource["creationTimestamp"], resource["id"]), reverse=True)
    if order != "name":
        raise Refused(400, "invalid", f"Invalid value for field 'orderBy': '{order}'.")
    return sorted(resources, key=lambda resource: resource["name"])


def cut(call: Call, resources: list[Json]) -> tuple[list[Json], str | None]:
    """One page of them, and the token of the next."""
    size = int(call.query.get("maxResults", 500))
    if not 0 <= size <= 500:
        raise Refused(
            400, "invalid", f"Invalid value for field 'maxResults': '{size}'. Values must be within [0, 500]."
        )
    try:
        first = int(base64.urlsafe_b64decode(call.query.get("pageToken", "")) or 0)
    except ValueError:
        raise Refused(400, "invalid", "Invalid value for field 'pageToken'.") from None
    end = first + size
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if size and end < len(resources) else None
    return resources[first:end], token


def page(call: Call, kind: str, resources: list[Json]) -> Json:
    """The answer of a `list`; without `items` when there are none, as Google's is."""
    found, token = cut(call, select(call, resources))
    answer: Json = {
        "kind": kind,
        "id": "/".join(call.path.values()),
        "selfLink": call.world.url + call.handler.path.split("?")[0],
    }
    return answer | ({"items": found} if found else {}) | ({"nextPageToken": token} if token else {})


def aggregated_page(call: Call, kind: str, collection: str, found: dict[str, list[Json]]) -> Json:
    """The answer of an `aggregatedList`, from the resources of each scope, `zones/Z`. Empty scopes carry a warning."""
    unreachable = [scope for scope in found if scope.removeprefix("zones/") in call.world.settings["unreachable_zones"]]
    found = found | {scope: [] for scope in unreachable}
    flat = [(scope, resource) for scope, resources in sorted(found.items()) for resource in select(call, resources)]
    taken, token = cut(call, [{"scope": scope, "resource": resource} for scope, resource in flat])
    items: Json = {}
    for scope in sorted(found):
        here = [entry["resource"] for entry in taken if entry["scope"] == scope]
        warning = {"code": "NO_RESULTS_ON_PAGE", "message": f"There are no results for scope '{scope}' on this page."}
        if scope in unreachable:
            warning = {"code": "UNREACHABLE", "message": f"The scope '{scope}' is not reachable."}
        items[scope] = (
            {collection: here} if here else {"warning": warning | {"data": [{"key": "scope", "value": scope}]}}
        )
    answer: Json = {
        "kind": kind,
        "id": f"projects/{call.path['project']}/aggregated/{collection}",
        "items": items,
        "selfLink": call.world.url + call.handler.path.split("?")[0],
    }
    return answer | ({"nextPageToken": token} if token else {}) | ({"unreachables": unreachable} if unreachable else {})
