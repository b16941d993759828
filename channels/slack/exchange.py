"""What the code of an installation is good for: the bot's token, and whose workspace it is.

https://docs.slack.dev/reference/methods/oauth.v2.access (read 2026-11-21): HTTP 200 with `ok:
false` for errors; `team` is missing where a whole organisation installed the app.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.core.errors import Invalid, OperatorError, VendorUnknown
from bot.core.secret import Secret
from bot.platforms.installs import Found
from channels.slack.calls import Calls, ours
from channels.slack.events import body_of, text_of
from channels.slack.manifest import SCOPES
from channels.slack.own import Own
from channels.slack.settings import Settings

_WRONG: Final[Mapping[str, str]] = {
    "invalid_code": "Slack does not know this code. Begin again on the page of platforms.",
    "code_already_used": "This code was used before. Begin again on the page of platforms.",
    "bad_redirect_uri": (
        "Slack knows another address of this house. Put this one under OAuth & Permissions, "
        "Redirect URLs, of the app."
    ),
}
_UNSET: Final = frozenset({"bad_client_secret", "invalid_client_id"})


def consent(base: str, client_id: str, state: str, redirect: str) -> str:
    """Where an owner's browser goes to allow an app."""
    asked = {
        "client_id": client_id,
        "scope": ",".join(SCOPES),
        "state": state,
        "redirect_uri": redirect,
    }
    return f"{base}/oauth/v2/authorize?{urlencode(asked)}"


async def exchange(calls: Calls, settings: Settings | Own, code: str, redirect: str) -> Found:
    """Exchange a code, once. Raises Invalid, OperatorError, VendorError."""
    try:
        async with calls.calling() as client:
            answer = await client.api_call(
                "oauth.v2.access",
                data={  # as a form: an address is logged, a body is not
                    "client_id": settings.client_id,
                    "client_secret": settings.client_secret.get_secret_value(),
                    "code": code,
                    "redirect_uri": redirect,
                },
            )
    except SlackApiError as error:
        word = text_of(getattr(error.response, "data", None), "error")
        if word in _WRONG:
            raise Invalid(_WRONG[word]) from None
        if word in _UNSET:
            raise OperatorError(
                "Slack does not take this client_id and client_secret. Both are under Basic "
                "Information of the app."
            ) from None
        raise ours("oauth.v2.access", error) from None
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
        raise VendorUnknown(
            "Slack did not answer. Begin again on the page of platforms."
        ) from error
    return _found(answer.data if isinstance(answer.data, dict) else {})


def _found(data: Mapping[str, object]) -> Found:
    team, token = body_of(data, "team"), text_of(data, "access_token", 500)
    found = Found(
        app=text_of(data, "app_id"),
        team=text_of(team, "id"),
        team_name=text_of(team, "name"),
        bot_user=text_of(data, "bot_user_id"),
        token=Secret(token),
    )
    if data.get("is_enterprise_install") is True or not found.team:
        raise Invalid("Install the app in one workspace, not in the whole organisation.")
    if text_of(data, "refresh_token", 500):
        raise Invalid("Tokens of this app rotate. Switch token rotation off and begin again.")
    if not (token and found.app and found.bot_user):
        raise VendorUnknown("Slack did not say which app was installed where.")
    return found
