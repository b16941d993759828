"""Slack's side of OAuth v2: one app, installed by people in their workspaces.

Codes are good once, for the client and the redirect that they were made for. The fields of the
answer: `slack-samples.json`, `/api/oauth.v2.access`; error words:
docs.slack.dev/reference/methods/oauth.v2.access (read 2026-11-21).
"""

import base64
import itertools
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.slack_apps import APP, BOT_USER, TEAM

Body = dict[str, Any]
CLIENT_ID, CLIENT_SECRET = "111.222", "shop-client-secret"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace, and who the app is there."""

    id: str = TEAM
    name: str = "Shop"
    bot_user: str = BOT_USER


@dataclass
class Installs:
    """Where the app is installed: token to workspace."""

    tokens: dict[str, Workspace] = field(default_factory=dict)
    codes: dict[str, tuple[Workspace, str, str]] = field(default_factory=dict)
    """Code to workspace, redirect and scopes."""
    used: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)
    answer: Body = field(default_factory=dict)
    """Laid over what a code is answered with."""
    redirects: list[str] = field(default_factory=list)
    """What stands in the app's settings; empty: any."""
    _count: itertools.count = field(default_factory=itertools.count)

    def allow(self, address: str, workspace: Workspace) -> tuple[str, str]:
        """A person presses Allow on the page at `address`: the redirect, with code and state."""
        parts = urlsplit(address)
        asked = {name: found[0] for name, found in parse_qs(parts.query).items()}
        assert parts.path == "/oauth/v2/authorize", parts.path
        assert asked["client_id"] == CLIENT_ID and asked["state"], asked
        code = f"code-{next(self._count)}"
        self.codes[code] = (workspace, asked["redirect_uri"], asked["scope"])
        return asked["redirect_uri"], f"?code={code}&state={asked['state']}"

    def exchange(self, authorization: str, body: Body) -> Body:
        """`oauth.v2.access`: `{"error": word}` where Slack refuses."""
        told = authorization.partition(" ")[2] if authorization.startswith("Basic ") else ""
        basic = base64.b64decode(told).decode()
        if basic and (body.get("client_id") or body.get("client_secret")):
            self.mistakes.append("oauth.v2.access: the secret is sent twice")
        given = basic or f"{body.get('client_id')}:{body.get('client_secret')}"
        client, _, secret = given.partition(":")
        if client != CLIENT_ID:
            return {"error": "invalid_client_id"}
        if not secrets.compare_digest(secret, CLIENT_SECRET):
            return {"error": "bad_client_secret"}
        code = body.get("code", "")
        if code in self.used:
            return {"error": "code_already_used"}
        if code not in self.codes:
            return {"error": "invalid_code"}
        workspace, redirect, scopes = self.codes[code]
        if body.get("redirect_uri") != redirect:
            return {"error": "bad_redirect_uri"}
        self.used.add(code)
        token = f"xoxb-{workspace.id}-{next(self._count)}"
        self.tokens[token] = workspace
        return {
            "access_token": token,
            "token_type": "bot",
            "scope": scopes,
            "bot_user_id": workspace.bot_user,
            "app_id": APP,
            "team": {"id": workspace.id, "name": workspace.name},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": "U0000ANA"},
            **self.answer,
        }

    def who(self, token: str) -> Workspace:
        """Whose token it is; the usual workspace for the usual token."""
        return self.tokens.get(token, Workspace())

    def uninstall(self, workspace: str) -> None:
        """The app was removed there: its tokens are dead."""
        self.revoked |= {token for token, found in self.tokens.items() if found.id == workspace}
