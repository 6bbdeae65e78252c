"""Cloud Resource Manager, version 1, as `cloudresourcemanager.py` has version 3."""

from __future__ import annotations

from call import Call, Json
from cloudresourcemanager import NUMBER, PREFIX, granted

DOCUMENT = "cloudresourcemanager.v1"
__all__ = ["DOCUMENT", "METHODS", "PREFIX"]


def get(call: Call) -> Json:
    project = call.path["projectId"]
    return {
        "projectNumber": NUMBER,
        "projectId": project,
        "name": project,
        "lifecycleState": "ACTIVE",
        "createTime": "2026-01-01T00:00:00Z",
    }


METHODS = {
    "cloudresourcemanager.projects.get": get,
    "cloudresourcemanager.projects.testIamPermissions": granted,
}
