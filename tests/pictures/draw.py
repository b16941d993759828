"""Payloads as HTML: Block Kit, embeds with buttons, an Adaptive Card, Telegram's HTML with a keyboard.

Each function reads what `bot.render` gives a channel and draws that, in colours and sizes near the
platform's own. A part of a payload that it does not know raises, so that no picture leaves out
what people would see. The icons and fonts of the platforms are theirs and are not used.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

Payload = Mapping[str, Any]


def _when(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y at %H:%M}"


def _message(name: str, inner: str) -> str:
    """A message of the bot, with its face and name."""
    return (
        f'<div class="row"><div class="face">S</div><div class="said"><div class="who">'
        f'<b>{name}</b><span class="tag">APP</span><span class="at">09:14</span></div>{inner}</div>'
        "</div>"
    )


# --- Slack ----------------------------------------------------------------------------------


def slack(payload: Payload) -> str:
    """Blocks. https://docs.slack.dev/reference/block-kit/blocks (read 2026-11-21)"""
    return _message("Switchboard", "".join(_block(each) for each in payload["blocks"]))


def _block(block: Payload) -> str:
    match block["type"]:
        case "header":
            return f"<h1>{escape(block['text']['text'])}</h1>"
        case "rich_text":
            parts = [_rich(item) for element in block["elements"] for item in _section(element)]
            return f'<div class="text">{"".join(parts)}</div>'
        case "actions":
            drawn = [_slack_button(each) for each in block["elements"]]
            return f'<div class="buttons">{"".join(drawn)}</div>'
    raise ValueError(f"an unknown block: {block['type']}")


def _section(element: Payload) -> list[Payload]:
    if element["type"] not in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        raise ValueError(f"an unknown element: {element['type']}")
    return list(element["elements"])


def _rich(item: Payload) -> str:
    match item["type"]:
        case "text":
            words = escape(item["text"]).replace("\n", "<br>")
            return f"<b>{words}</b>" if item.get("style", {}).get("bold") else words
        case "emoji":
            return {"warning": "⚠️"}[item["name"]]
        case "date":
            return _when(item["timestamp"])
    raise ValueError(f"an unknown text: {item['type']}")


def _slack_button(button: Payload) -> str:
    style = button.get("style", "plain")
    return f'<span class="button {style}">{escape(button["text"]["text"])}</span>'


# --- Discord --------------------------------------------------------------------------------


def discord(payload: Payload) -> str:
    """Embeds and components. https://docs.discord.com/developers/resources/message (2026-11-21)"""
    embeds = "".join(_embed(each) for each in payload["embeds"])
    rows = "".join(
        f'<div class="buttons">{"".join(_discord_button(b) for b in row["components"])}</div>'
        for row in payload["components"]
    )
    return _message("Switchboard", f"{_marked(payload['content'])}{embeds}{rows}")


def _embed(embed: Payload) -> str:
    if odd := set(embed) - {"title", "description", "color"}:
        raise ValueError(f"unknown parts of an embed: {odd}")
    edge = f"border-left-color:#{embed['color']:06x}"
    return (
        f'<div class="embed" style="{edge}"><h1>{_marked(embed["title"])}</h1>'
        f'<div class="text">{_marked(embed["description"])}</div></div>'
    )


def _marked(text: str) -> str:
    shown = escape(re.sub(r"\\(.)", r"\1", text), quote=False)
    shown = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", shown)
    shown = re.sub(r"&lt;t:(\d+):f&gt;", lambda found: _when(int(found[1])), shown)
    return shown.replace("\n", "<br>")


def _discord_button(button: Payload) -> str:
    style = {1: "primary", 2: "plain", 3: "success", 4: "danger", 5: "plain"}[button["style"]]
    return f'<span class="button {style}">{escape(button["label"])}</span>'


# --- Telegram -------------------------------------------------------------------------------


def telegram(payload: Payload) -> str:
    """Its own HTML, which a browser reads as it is, and rows of buttons.

    https://core.telegram.org/bots/api#html-style (read 2026-11-21)
    """
    text = payload["text"].replace("\n", "<br>")
    rows = "".join(
        f'<div class="keys">{"".join(_key(each) for each in row)}</div>'
        for row in payload["reply_markup"]["inline_keyboard"]
    )
    bubble = (
        f'<div class="bubble"><div class="text">{text}</div><span class="at">09:14</span></div>'
    )
    return f'<div class="phone">{bubble}{rows}</div>'


def _key(key: Payload) -> str:
    return f'<span class="key {key.get("style", "plain")}">{escape(key["text"])}</span>'


# --- Teams ----------------------------------------------------------------------------------


def teams(payload: Payload) -> str:
    """An Adaptive Card. https://adaptivecards.io/explorer/ (read 2026-11-21)"""
    (attachment,) = payload["attachments"]
    card = attachment["content"]
    body = "".join(_element(each) for each in card["body"])
    actions = "".join(_action(each) for each in card["actions"])
    inner = f'<div class="card">{body}<div class="buttons">{actions}</div></div>'
    return _message("Switchboard", inner)


def _element(element: Payload) -> str:
    if element["type"] == "Container":
        return f'<div class="box">{"".join(_element(each) for each in element["items"])}</div>'
    if element["type"] != "RichTextBlock":
        raise ValueError(f"an unknown element: {element['type']}")
    return f'<div class="line">{"".join(_run(each) for each in element["inlines"])}</div>'


def _run(run: Payload) -> str:
    words = escape(run["text"])
    if run.get("size") == "Large":
        return f"<h1>{words}</h1>"
    words = f"<b>{words}</b>" if run.get("weight") == "Bolder" else words
    return f'<span class="warn">{words}</span>' if run.get("color") == "Attention" else words


def _action(action: Payload) -> str:
    if action["type"] not in ("Action.Execute", "Action.ShowCard", "Action.OpenUrl"):
        raise ValueError(f"an unknown action: {action['type']}")
    more = '<span class="more">▾</span>' if action["type"] == "Action.ShowCard" else ""
    style = action.get("style", "plain")
    return f'<span class="button {style}">{escape(action["title"])}{more}</span>'


DRAWN: Mapping[str, Callable[[Payload], str]] = {
    "slack": slack,
    "telegram": telegram,
    "discord": discord,
    "teams": teams,
}
_COMMON = """
* { box-sizing: border-box; margin: 0 }
body { background: #fff; font: condensed 15px/1.46 "DejaVu Sans Condensed", "DejaVu Sans", sans-serif; width: 540px }
#sheet { padding: 22px 24px 24px; background: #fff; width: 540px }
h1 { font-size: 17px; line-height: 1.3 }
.row { display: flex; gap: 12px }
.face { flex: none; width: 38px; height: 38px; border-radius: 8px; background: #3b5bdb; color: #fff;
  font-weight: 700; font-size: 18px; line-height: 38px; text-align: center }
.said { flex: 1; min-width: 0 }
.who { display: flex; align-items: center; gap: 6px; margin-bottom: 4px }
.tag { font-size: 10px; font-weight: 600; padding: 1px 4px; border-radius: 3px;
  background: #e8e8e8; color: #555 }
.at { color: #777; font-size: 12px }
.buttons { display: flex; gap: 8px; margin-top: 12px }
.button { padding: 5px 14px; font-weight: 600; font-size: 14px; border-radius: 6px }
"""
STYLE: Mapping[str, str] = {
    "slack": """
.button { border: 1px solid #bbb; color: #1d1c1d; border-radius: 8px }
.button.primary { background: #007a5a; border-color: #007a5a; color: #fff }
.button.danger { border-color: #e01e5a; color: #c01343 }
h1 { margin: 4px 0 8px }
""",
    "discord": """
.face { border-radius: 50%; background: #5865f2 }
.tag { background: #5865f2; color: #fff }
.embed { border-left: 4px solid; background: #f2f3f5; border-radius: 4px; padding: 12px 16px }
.embed h1 { font-size: 16px; margin-bottom: 8px }
.text { font-size: 14px }
.button.plain { background: #e3e5e8; color: #2e3338 }
.button.primary { background: #5865f2; color: #fff }
.button.success { background: #248046; color: #fff }
.button.danger { background: #da373c; color: #fff }
""",
    "telegram": """
body, #sheet { background: #dbe7d5; width: 488px }
.phone { width: 440px }
.bubble { background: #fff; border-radius: 14px 14px 14px 4px; padding: 10px 14px 6px;
  box-shadow: 0 1px 1px #0002 }
.bubble .at { display: block; text-align: right }
.keys { display: flex; gap: 4px; margin-top: 4px }
.key { flex: 1; text-align: center; padding: 9px; border-radius: 10px; font-weight: 600;
  font-size: 14px; color: #fff; background: #6f9163 }
.key.success { background: #3a9b46 }
.key.danger { background: #d3504b }
""",
    "teams": """
body, #sheet { background: #f5f5f5 }
.face { border-radius: 50%; background: #5b5fc7 }
.card { background: #fff; border: 1px solid #e0e0e0; border-radius: 8px; padding: 14px 16px 16px;
  box-shadow: 0 1px 2px #0001 }
.line { font-size: 14px; margin-top: 3px }
.line h1 { font-size: 18px; margin-bottom: 4px }
.box { background: #f5f5f5; border-radius: 4px; padding: 6px 10px; margin-top: 4px }
.warn { color: #c4314b }
.button { border: 1px solid #d1d1d1; border-radius: 4px; color: #242424; background: #fff }
.button.positive { background: #5b5fc7; border-color: #5b5fc7; color: #fff }
.button.destructive { color: #c4314b; border-color: #c4314b }
.more { margin-left: 6px; color: #777 }
""",
}


def page(platform: str, payload: Payload) -> str:
    """A page whose element `sheet` is the picture."""
    style = _COMMON + STYLE[platform]
    inner = DRAWN[platform](payload)
    return (
        f'<!doctype html><meta charset="utf-8"><style>{style}</style>'
        f'<body><div id="sheet">{inner}</div></body>'
    )
