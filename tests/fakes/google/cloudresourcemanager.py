"""Cloud Resource Manager, version 3: projects, and what the caller may do in them.

Everything may be done but the `denied_permissions` of the settings.
"""

from __future__ import annotations

import re

from call import Call, Json, Refused

DOCUMENT = "cloudresourcemanager.v3"
PREFIX = "/cloudresourcemanager/"

NUMBER = "123456789012"


def granted(call: Call) -> Json:
    """Those of the permissions asked for that the caller has; the list is left out when it would be empty."""
    asked = call.body.get("permissions", []) if call.body else []
    for permission in asked:
        if not re.fullmatch(r"[a-z][a-zA-Z]*(\.[a-zA-Z]+){2}", permission):
            raise Refused(400, "badRequest", f"Permission {permission} is not valid for this resource.")
    held = [permission for permission in asked if permission not in call.world.settings["denied_permissions"]]
    return {"permissions": held} if held else {}


def get(call: Call) -> Json:
    project = call.path["name"].partition("/")[2]
    return {
        "name": f"projects/{NUMBER}",
        "projectId": project,
        "displayName": project,
        "state": "ACTIVE",
        "createTime": "2026-01-01T00:00:00Z",
    }


METHODS = {
    "cloudresourcemanager.projects.get": get,
    "cloudresourcemanager.projects.testIamPermissions": granted,
}
