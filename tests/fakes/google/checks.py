"""Google's discovery documents: the routes they describe, and what a request or a response violates of them.

The documents are those that google-api-python-client carries. They are read strictly: objects are closed, patterns
anchored, 64-bit integers texts, enumerations final, and a field that is required for a method is required.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Iterator
from urllib.parse import unquote

from jsonschema import Draft7Validator

Json = dict[str, Any]

FORMATS = {
    "int64": r"-?[0-9]+",
    "uint64": r"[0-9]+",
    "byte": r"(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2,3}={0,2})?",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
    "google-datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
    "google-duration": r"-?[0-9]+(?:\.[0-9]{1,9})?s",
}
RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}
# https://cloud.google.com/apis/docs/system-parameters: all of them may have a dollar before their name.
SYSTEM_PARAMETER = re.compile(r"\$?(alt|apiVersion|callback|fields|key|prettyPrint|quotaUser|userProject)|\$\.?xgafv")


def anchored(pattern: str) -> str:
    return rf"^(?:{pattern.removeprefix('^').removesuffix('$')})\Z"


def schema_of(discovered: Json, method: str) -> Json:
    """A schema of a discovery document, or a part of one, as a strict JSON Schema for a request of this method."""
    if "$ref" in discovered:
        return {"$ref": "#/definitions/" + discovered["$ref"]}
    schema: Json = {}
    kind, form = discovered.get("type", "any"), discovered.get("format", "")
    if kind != "any":
        schema["type"] = kind
    if "enum" in discovered:
        schema["enum"] = discovered["enum"]
    if "pattern" in discovered:
        schema["pattern"] = anchored(discovered["pattern"])
    elif kind == "string" and form in FORMATS:
        schema["pattern"] = anchored(FORMATS[form])
    if kind == "integer" and form in RANGES:
        schema["minimum"], schema["maximum"] = RANGES[form]
    if "items" in discovered:
        schema["items"] = schema_of(discovered["items"], method)
    if "properties" in discovered:
        properties = discovered["properties"]
        schema["properties"] = {name: schema_of(property, method) for name, property in properties.items()}
        schema["required"] = [
            name
            for name, property in properties.items()
            if method in property.get("annotations", {}).get("required", [])
        ]
        schema["additionalProperties"] = False
    if isinstance(discovered.get("additionalProperties"), dict):
        schema["additionalProperties"] = schema_of(discovered["additionalProperties"], method)
    return schema


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/definitions/")
        for value in schema.values():
            yield from references(value)


@dataclass
class Route:
    """A way to a method: its own path, or that of its uploads."""

    method: "Method"
    prefix: str
    upload: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Of the whole path. Made when it is first wanted, since a document has more methods than anybody calls."""

        def segment(variable: re.Match[str]) -> str:
            pattern = self.method.parameters[variable["name"]].get("pattern", "")
            # Only `{+name}` may hold slashes, and its pattern says how many.
            several = pattern.removeprefix("^").removesuffix("$") if variable["plus"] else "[^/]+"
            return f"(?P<{variable['name']}>{several or '.+'})"

        path = re.sub(r"\\\{(?P<plus>\\\+)?(?P<name>\w+)\\\}", segment, re.escape(self.method.path))
        return re.compile(("(?:/resumable)?/upload" if self.upload else "") + re.escape(self.prefix) + path)

    @property
    def literal(self) -> int:
        """How many characters of its path stand for themselves."""
        return len(re.sub(r"\{.*?\}", "", self.prefix + self.method.path))


class Method:
    """One method of a document."""

    def __init__(self, document: "Document", description: Json) -> None:
        self.document = document
        self.id: str = description["id"]
        self.verb: str = description["httpMethod"]
        self.path: str = description["path"]
        self.parameters: dict[str, Json] = description.get("parameters", {})
        self.request: str | None = description.get("request", {}).get("$ref")
        self.response: str | None = description.get("response", {}).get("$ref")
        self.takes_media = "mediaUpload" in description

    def routes(self, prefixes: tuple[str, ...]) -> Iterator[Route]:
        for prefix in prefixes:
            yield Route(self, prefix, False)
            if self.takes_media:
                yield Route(self, prefix, True)

    @cached_property
    def _request(self) -> Draft7Validator | None:
        return self.document.validator(self.request, self.id) if self.request else None

    @cached_property
    def _response(self) -> Draft7Validator | None:
        return self.document.validator(self.response, "") if self.response else None

    def violations_of_request(self, path: dict[str, str], query: dict[str, list[str]], body: Any) -> list[str]:
        found = [
            text for name, value in path.items() for text in violations_of_parameter(name, self.parameters[name], value)
        ]
        for name, values in query.items():
            parameter = self.parameters.get(name) or self.document.parameters.get(name)
            if parameter is None:
                if not SYSTEM_PARAMETER.fullmatch(name):
                    found.append(f"unknown query parameter `{name}`")
                continue
            if len(values) > 1 and not parameter.get("repeated"):
                found.append(f"query parameter `{name}` is given {len(values)} times")
            found += [text for value in values for text in violations_of_parameter(name, parameter, value)]
        found += [
            f"query parameter `{name}` is missing"
            for name, parameter in self.parameters.items()
            if parameter.get("required") and parameter["location"] == "query" and name not in query
        ]
        if self._request is None:
            if body not in (None, {}):
                found.append(f"{self.id} takes no body")
        else:
            found += texts(self._request, without_nulls(body if body is not None else {}))
        return found

    def violations_of_response(self, body: Any) -> list[str]:
        if self._response is None:
            return [] if not body else [f"{self.id} has no response"]
        return texts(self._response, body)


def violations_of_parameter(name: str, parameter: Json, value: str) -> list[str]:
    shown = f"parameter `{name}`: `{value}`"
    kind, form = parameter["type"], parameter.get("format", "")
    if kind == "boolean" and value not in ("true", "false"):
        return [f"{shown} is no boolean"]
    if kind == "integer" or form in ("int64", "uint64"):
        if not re.fullmatch(r"-?[0-9]+", value):
            return [f"{shown} is no integer"]
        low, high = RANGES.get(form, (None, None))
        low, high = parameter.get("minimum", low), parameter.get("maximum", high)
        if (low is not None and int(value) < int(low)) or (high is not None and int(value) > int(high)):
            return [f"{shown} is out of range"]
    if "enum" in parameter and value not in parameter["enum"]:
        return [f"{shown} is not one of {', '.join(parameter['enum'])}"]
    if "pattern" in parameter and not re.match(anchored(parameter["pattern"]), value):
        return [f"{shown} does not match `{parameter['pattern']}`"]
    # The one parameter whose form the documents give in words.
    if name == "requestId" and not is_request_id(value):
        return [f"{shown} is no UUID"]
    return []


def is_request_id(value: str) -> bool:
    try:
        return uuid.UUID(value).int != 0
    except ValueError:
        return False


def without_nulls(body: Any) -> Any:
    """A request without its fields that are null: they say nothing, or in a patch that the field is to go."""
    if isinstance(body, dict):
        return {name: without_nulls(value) for name, value in body.items() if value is not None}
    return [without_nulls(value) for value in body] if isinstance(body, list) else body


def texts(validator: Draft7Validator, body: Any) -> list[str]:
    """What is wrong in a body, each with its place."""
    errors = sorted(validator.iter_errors(body), key=lambda error: list(map(str, error.absolute_path)))
    return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]


class Document:
    """One discovery document, by its name in google-api-python-client."""

    def __init__(self, name: str) -> None:
        text = files("googleapiclient.discovery_cache").joinpath("documents", f"{name}.json").read_text()
        document = json.loads(text)
        self.schemas: dict[str, Json] = document.get("schemas", {})
        self.parameters: dict[str, Json] = document.get("parameters", {})
        self.methods = {method.id: method for method in self._methods(document)}

    def _methods(self, resource: Json) -> Iterator[Method]:
        for description in resource.get("methods", {}).values():
            yield Method(self, description)
        for below in resource.get("resources", {}).values():
            yield from self._methods(below)

    def validator(self, name: str, method: str) -> Draft7Validator:
        """For a schema and all that it refers to: far less than the document has."""
        definitions: Json = {}
        missing = {name}
        while missing:
            for reference in missing:
                definitions[reference] = schema_of(self.schemas[reference], method)
            missing = set(references(definitions)) - definitions.keys()
        return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


def unquoted(groups: dict[str, str]) -> dict[str, str]:
    return {name: unquote(value) for name, value in groups.items()}
