"""Credentials of each type, by Google's own libraries, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from typing import Any

from google.auth import identity_pool, impersonated_credentials
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

import tokens
from service_test import ServiceTest


class Authentication(ServiceTest):
    """Credentials of each type, by google-auth, used once."""

    def uses(self, credentials: Any) -> str:
        """Whose a token is that google-auth got: what the newer and the older tokeninfo say."""
        scoped = (
            credentials.with_scopes([tokens.CLOUD_PLATFORM, tokens.EMAIL])
            if credentials.requires_scopes
            else credentials
        )
        session = self.enterContext(AuthorizedSession(scoped))
        buckets = session.get(f"{self.fake.url}/storage/v1/b/nobody")
        self.assertEqual(buckets.status_code, 404)
        info = session.get(f"{self.fake.url}/oauth2/tokeninfo", params={"access_token": scoped.token}).json()
        older = self.fake.service("oauth2.v2", "oauth2/").tokeninfo(access_token=scoped.token).execute()
        self.assertEqual(info.get("email"), older.get("email"))
        return str(info.get("email"))

    def given(self, **asked: str) -> Any:
        return self.fake.control("credentials", asked)

    def user(self, account: str = tokens.ACCOUNT, **changes: str) -> Any:
        """A user's credentials, made by hand: what reads them from a file always asks Google itself for tokens."""
        info = self.given(type="authorized_user", account=account) | changes
        named = {name: info[name] for name in ("refresh_token", "token_uri", "client_id", "client_secret")}
        return user_credentials.Credentials(None, **named)

    def test_a_service_account(self) -> None:
        made = service_account.Credentials.from_service_account_info(self.given(type="service_account"))
        self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_a_service_account_that_signs_its_tokens_itself(self) -> None:
        made = service_account.Credentials.from_service_account_info(self.given(type="service_account"))
        signing = made.with_always_use_jwt_access(True).with_scopes([tokens.CLOUD_PLATFORM])
        before = len(self.fake.control("log"))
        session = self.enterContext(AuthorizedSession(signing))
        self.assertEqual(session.get(f"{self.fake.url}/storage/v1/b/nobody").status_code, 404)
        self.assertEqual([entry["method"] for entry in self.fake.control("log")[before:]], ["storage.buckets.get"])

    def test_a_service_account_with_a_foreign_key(self) -> None:
        info = self.given(type="service_account") | {
            "private_key": self.given(type="service_account", account="other@fake-project.iam.gserviceaccount.com")[
                "private_key"
            ]
        }
        made = service_account.Credentials.from_service_account_info(info, scopes=[tokens.CLOUD_PLATFORM])
        with self.assertRaisesRegex(RefreshError, "invalid_grant"):
            made.refresh(Request())

    def test_a_user(self) -> None:
        self.assertEqual(self.uses(self.user(account="me@example.com")), "me@example.com")

    def test_a_user_whose_token_is_revoked(self) -> None:
        with self.assertRaisesRegex(RefreshError, "Token has been expired or revoked."):
            self.user(refresh_token="1//none").refresh(Request())

    def test_the_token_of_a_github_job(self) -> None:
        made = identity_pool.Credentials.from_info(self.given(type="external_account"))
        self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_the_token_of_a_gitlab_job(self) -> None:
        audience = f"https:{tokens.POOL}/providers/gitlab"
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.fake.control("ci_token", {"audience": audience})["token"])
            file.flush()
            made = identity_pool.Credentials.from_info(self.given(type="external_account", file=file.name))
            self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_a_job_that_may_not_impersonate(self) -> None:
        principal = f"principal:{tokens.POOL}/subject/repo:example/images:ref:refs/heads/main"
        accounts = {
            "a@p.iam.gserviceaccount.com": {"impersonators": ["x"]},
            "b@p.iam.gserviceaccount.com": {"impersonators": [principal]},
        }
        self.fake.control("settings", {"accounts": accounts})
        allowed = identity_pool.Credentials.from_info(
            self.given(type="external_account", account="b@p.iam.gserviceaccount.com")
        )
        self.assertEqual(self.uses(allowed), "b@p.iam.gserviceaccount.com")
        denied = identity_pool.Credentials.from_info(
            self.given(type="external_account", account="a@p.iam.gserviceaccount.com")
        )
        with self.assertRaisesRegex(RefreshError, "iam.serviceAccounts.getAccessToken"):
            denied.with_scopes([tokens.CLOUD_PLATFORM]).refresh(Request())

    def test_tokens_of_jobs_that_are_refused(self) -> None:
        wrong_audience = self.fake.control("ci_token", {"audience": "https://example.com"})["token"]
        right = self.fake.control("ci_token", {"audience": f"https:{tokens.POOL}/providers/gitlab"})["token"]
        for token, provider, error in (
            (wrong_audience, "gitlab", "invalid_grant"),
            (right, "github", "invalid_grant"),
            (right, "jenkins", "invalid_target"),
            (right[:-9] + "AAAAAAAAA", "gitlab", "invalid_grant"),
        ):
            fields = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "audience": f"{tokens.POOL}/providers/{provider}",
                "scope": tokens.CLOUD_PLATFORM,
                "subject_token": token,
            }
            form = urllib.parse.urlencode(fields).encode()
            status, _, content = self.fake.request("POST", "/sts/v1/token", form)
            self.assertEqual((status, json.loads(content)["error"]), (400, error))

    def test_the_exchange_in_the_documents_own_form(self) -> None:
        body = {
            "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "subjectTokenType": "urn:ietf:params:oauth:token-type:id_token",
            "audience": f"{tokens.POOL}/providers/gitlab",
            "scope": tokens.CLOUD_PLATFORM,
            "subjectToken": self.fake.control("ci_token", {"audience": f"{tokens.POOL}/providers/gitlab"})["token"],
        }
        answer = self.fake.service("sts.v1", "sts/").v1().token(body=body).execute()
        self.assertEqual((answer["token_type"], answer["expires_in"]), ("Bearer", 3600))

    def test_impersonation(self) -> None:
        info = self.given(type="impersonated_service_account", account="c@p.iam.gserviceaccount.com")
        made = impersonated_credentials.Credentials(
            self.user(**info["source_credentials"]),
            "c@p.iam.gserviceaccount.com",
            [tokens.CLOUD_PLATFORM, tokens.EMAIL],
            iam_endpoint_override=info["service_account_impersonation_url"],
        )
        self.assertEqual(self.uses(made), "c@p.iam.gserviceaccount.com")

    def test_what_iam_refuses(self) -> None:
        accounts = self.fake.service("iamcredentials.v1", "iamcredentials/").projects().serviceAccounts()
        name = f"projects/-/serviceAccounts/{tokens.ACCOUNT}"
        scope = [tokens.CLOUD_PLATFORM]
        answer = accounts.generateAccessToken(name=name, body={"scope": scope, "lifetime": "60s"}).execute()
        self.assertEqual(sorted(answer), ["accessToken", "expireTime"])
        self.refused(400, accounts.generateAccessToken(name=name, body={"scope": scope, "lifetime": "3601s"}))
        self.refused(400, accounts.generateAccessToken(name=name, body={}))
        self.refused(404, accounts.generateAccessToken(name="projects/-/serviceAccounts/none", body={"scope": scope}))

    def test_a_guest_with_a_metadata_server(self) -> None:
        before = "/computeMetadata/v1/instance/service-accounts/default/"
        email = self.fake.request("GET", before + "email", Metadata_Flavor="Google")
        self.assertEqual(email[2].decode(), tokens.ACCOUNT)
        scopes = self.fake.request("GET", before + "scopes", Metadata_Flavor="Google")
        self.assertIn(tokens.CLOUD_PLATFORM, scopes[2].decode())
        self.assertEqual(self.fake.request("GET", before + "token")[0], 403)
        # google-auth looks once, when it is imported, where the metadata server is.
        program = (
            "import google.auth, google.auth.transport.requests as transport\n"
            "credentials, project = google.auth.default()\n"
            "credentials.refresh(transport.Request())\n"
            "print(project, credentials.service_account_email, credentials.token)"
        )
        with tempfile.TemporaryDirectory() as home:
            address = self.fake.url.removeprefix("http://")
            environment = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address, "HOME": home}
            command = [sys.executable, "-c", program]
            printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        project, account, token = printed.split()
        self.assertEqual((project, account), ("fake-project", tokens.ACCOUNT))
        self.assertEqual(self.fake.request("GET", f"/oauth2/tokeninfo?access_token={token}")[0], 200)

    def test_a_token_from_vault(self) -> None:
        address = "/vault/v1/gcp/token/my-roleset"
        _, _, content = self.fake.request("GET", address, X_Vault_Token="fake-vault-token")
        token = json.loads(content)["data"]["token"]
        self.refused(404, self.fake.service("storage.v1", token=token).buckets().get(bucket="nobody"))
        self.assertEqual(self.fake.request("GET", address, X_Vault_Token="stolen")[0], 403)
        self.expect_violations("Vault was asked without its token")

    def test_a_token_expires(self) -> None:
        self.fake.control("settings", {"token_seconds": 0})
        self.addCleanup(lambda: self.fake.control("settings", {"token_seconds": 3600}))
        made = service_account.Credentials.from_service_account_info(
            self.given(type="service_account"), scopes=[tokens.CLOUD_PLATFORM]
        )
        made.refresh(Request())
        self.refused(401, self.fake.service("storage.v1", token=made.token).buckets().get(bucket="b"))
        self.assertEqual(self.fake.request("GET", f"/oauth2/tokeninfo?access_token={made.token}")[0], 400)

    def test_who_asks_github_without_the_jobs_secret(self) -> None:
        self.assertEqual(self.fake.request("GET", "/ci/github/token?api-version=2.0&audience=a")[0], 401)
        self.expect_violations("GitHub was asked for a job's token without the job's secret")


if __name__ == "__main__":
    unittest.main()
