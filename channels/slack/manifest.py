"""The app's manifest: what `bot connect slack --manifest` prints, and Slack makes an app of.

It asks for the scopes and events that the code uses and for no others; a test compares them.
https://docs.slack.dev/reference/app-manifest (read 2026-11-21)
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.core.canonical import Json

VERSION: Final = 3
"""Raised whenever the manifest asks Slack for something else than before. Slack's own `_metadata`
says which of Slack's two forms a manifest has, so ours stands where people read about the app."""
ABOUT: Final = (
    "Message your team's agents where you already talk. Nothing that they do in your name happens "
    "without your yes, and nothing happens twice.\n\nThis app was made from version "
    f"{VERSION} of the manifest of Switchboard; `bot doctor` names what a newer one asks for."
)
"""Of 175 to 4,000 characters, as Slack wants it."""
SCOPES: Final[Mapping[str, str]] = {
    "app_mentions:read": "hear that it is mentioned",
    "assistant:write": "show that somebody works on an answer",
    "channels:history": "hear what is said in public channels that it is in",
    "channels:read": "know the public channels that it is in by their names",
    "chat:write": "answer",
    "commands": "slash command and shortcuts",
    "files:read": "read files that people send it",
    "files:write": "send files",
    "groups:history": "hear what is said in private channels that it is in",
    "groups:read": "know the private channels that it is in by their names",
    "im:history": "hear what it is told in direct messages",
    "mpim:history": "hear what is said in direct messages of several people",
    "reactions:read": "learn from thumbs on its answers",
    "users:read": "know people by their names, and which app it is",
    "users:read.email": "know a member by a confirmed address, where an owner said so",
}
"""Scope to what it is for."""
EVENTS: Final = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)
ROOT: Final = "/webhooks/slack"
"""Where the app's addresses in the house begin."""
REDIRECT: Final = "/oauth/slack/installed"
"""Where a browser comes back to that has installed the app."""


MAX_NAME, MAX_ABOUT = 35, 140


def manifest(address: str, agent: tuple[str, str] | None = None) -> Mapping[str, Json]:
    """The manifest; with an `address` of the house Slack calls it, without one it calls Slack.

    `agent`: name and title of whose own app it is; its addresses and its command bear its name.
    """
    name, about = agent or ("switchboard", "Agents that ask first")
    base = f"{address}{ROOT}/{name}" if agent else f"{address}{ROOT}"
    url = base if address else ""
    return {
        "display_information": {
            "name": name.capitalize()[:MAX_NAME],
            "description": about[:MAX_ABOUT],
            "long_description": ABOUT,
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [_command(name, url)],
            "shortcuts": [
                {
                    "name": "Pending approvals",
                    "type": "global",
                    "callback_id": "pending_approvals",
                    "description": "What waits for you",
                },
                {
                    "name": "Ask an agent about this",
                    "type": "message",
                    "callback_id": "ask_about_message",
                    "description": "Ask about a message; you alone see the answer",
                },
            ],
        },
        "oauth_config": {
            "scopes": {"bot": list(SCOPES)},
            **({"redirect_urls": [address + REDIRECT]} if address else {}),
        },
        "settings": {
            "event_subscriptions": {
                **({"request_url": f"{url}/events"} if url else {}),
                "bot_events": list(EVENTS),
            },
            "interactivity": {
                "is_enabled": True,
                **({"request_url": f"{url}/interactions"} if url else {}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": not address,
            "token_rotation_enabled": False,
        },
    }


def owed(agent: str, scopes: Sequence[str]) -> str:
    """What an app lacks (`agent`: one that is this agent's own), and how it gets it."""
    whose = f"{agent.capitalize()}'s app" if agent else "The app"
    return (
        f"{whose} lacks {', '.join(scopes)}, which version {VERSION} of the manifest asks for. "
        "Paste the manifest under App Manifest of the app at api.slack.com/apps and install it "
        "again there."
    )


def _command(name: str, url: str) -> Json:
    about: dict[str, Json] = {
        "command": f"/{name}",
        "description": "Ask an agent, or status, stop, agents, approvals",
        "usage_hint": "status",
        "should_escape": False,
    }
    return {**about, "url": f"{url}/commands"} if url else about
