"""Cloud Resource Manager, version 1, as `cloudresourcemanager.py` has version 3."""

from __future__ import annotations

import cloudresourcemanager
from call import Call, Json

DOCUMENT = "cloudresourcemanager.v1"
PREFIX = cloudresourcemanager.PREFIX


def get(call: Call) -> Json:
    project = call.path["projectId"]
    return {
        "projectNumber": cloudresourcemanager.NUMBER,
        "projectId": project,
        "name": project,
        "lifecycleState": "ACTIVE",
        "createTime": "2026-01-01T00:00:00Z",
    }


METHODS = {
    "cloudresourcemanager.projects.get": get,
    "cloudresourcemanager.projects.testIamPermissions": cloudresourcemanager.granted,
}
