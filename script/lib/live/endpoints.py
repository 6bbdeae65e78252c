#!/usr/bin/env python3
"""Prints `custom_endpoints`, in HCL, for a fake of Google Cloud: usage: script/lib/live/endpoints.py URL"""

import json
import sys

url = sys.argv[1].rstrip("/")
own = ["oslogin", "oauth2", "iap", "sts", "iamcredentials", "secretmanager", "parametermanager", "serviceusage", "cloudresourcemanager"]
endpoints = {"compute": f"{url}/compute/v1/", "storage": f"{url}/storage/v1/"} | {name: f"{url}/{name}/" for name in own}
print(json.dumps(endpoints))
