"""Cards against what the vendors publish: their descriptions of the API, and their own SDKs.

The descriptions are not part of this repository; where one is absent, its tests skip.
"""

import pytest

from bot.render.card import Surface, render
from tests.bot.render.ten import LINKED, REF, TEN
from tests.published import document

CARDS = pytest.mark.parametrize("name", TEN)
REFS = pytest.mark.parametrize("ref", [REF, LINKED], ids=["buttons", "linked"])


def spec(name: str) -> dict:
    found = document(name)
    if found is None:
        pytest.skip(f"{name} is not here; BOT_SPECS names the folder of what vendors publish")
    return found


@REFS
@CARDS
def test_discord_takes_the_message(name, ref):
    jsonschema = pytest.importorskip("jsonschema")
    published = spec("discord.json")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/components/schemas/MessageCreateRequest",
        "components": published["components"],
    }
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(render(TEN[name], Surface.DISCORD, ref))
    wrong = render(TEN[name], Surface.DISCORD, ref)
    wrong["embeds"][0]["title"] = "x" * 257
    assert not validator.is_valid(wrong)


@CARDS
def test_discords_own_library_reads_the_embed(name):
    discord = pytest.importorskip("discord")
    payload = render(TEN[name], Surface.DISCORD, REF)
    embed = discord.Embed.from_dict(payload["embeds"][0])
    assert len(embed) <= 6000
    assert embed.to_dict()["description"] == payload["embeds"][0]["description"]


@REFS
@CARDS
def test_telegram_takes_the_message(name, ref):
    published = spec("telegram-bot-api.json")
    payload = {"chat_id": 1, **render(TEN[name], Surface.TELEGRAM, ref)}
    check_telegram_object(published, published["methods"]["sendMessage"], payload)
    with pytest.raises(AssertionError):
        check_telegram_object(published, published["methods"]["sendMessage"], {"chat_id": 1})


def check_telegram_object(published: dict, described: dict, value: dict) -> None:
    """Each field is one of the described ones, of one of its types, and none is missing."""
    fields = {field["name"]: field for field in described["fields"]}
    assert set(value) <= set(fields), set(value) - set(fields)
    assert {name for name, field in fields.items() if field["required"]} <= set(value)
    for name, inner in value.items():
        problems = []
        for kind in fields[name]["types"]:
            try:
                check_telegram_value(published, kind, inner)
                break
            except AssertionError as problem:
                problems.append(problem)
        else:
            raise AssertionError(f"{name}: {problems}")


def check_telegram_value(published: dict, kind: str, value: object) -> None:
    simple = {"String": str, "Integer": int, "Boolean": bool, "True": bool, "Float": float}
    if kind.startswith("Array of "):
        assert isinstance(value, list)
        for each in value:
            check_telegram_value(published, kind.removeprefix("Array of "), each)
    elif kind in simple:
        assert isinstance(value, simple[kind]), (kind, value)
    else:
        assert isinstance(value, dict), (kind, value)
        check_telegram_object(published, published["types"][kind], value)


@CARDS
def test_telegrams_own_library_reads_the_keyboard(name):
    telegram = pytest.importorskip("telegram")
    payload = render(TEN[name], Surface.TELEGRAM, REF)
    keyboard = telegram.InlineKeyboardMarkup.de_json(payload["reply_markup"], None)
    for row in keyboard.inline_keyboard:
        for button in row:
            assert 1 <= len(button.callback_data.encode()) <= 64


@REFS
@CARDS
def test_slack_takes_the_message(name, ref):
    jsonschema = pytest.importorskip("jsonschema")
    published = spec("slack-web-api.json")
    payload = render(TEN[name], Surface.SLACK, ref)
    known = published["paths"]["/chat.postMessage"]["post"]["parameters"]
    assert set(payload) <= {parameter["name"] for parameter in known}
    jsonschema.Draft4Validator(published["definitions"]["blocks"]).validate(payload["blocks"])


@REFS
@CARDS
def test_slacks_own_library_finds_every_limit_kept(name, ref):
    blocks = pytest.importorskip("slack_sdk.models.blocks")
    payload = render(TEN[name], Surface.SLACK, ref)
    for given in payload["blocks"]:
        parsed = blocks.Block.parse(given)
        assert type(parsed).__name__ in ("HeaderBlock", "RichTextBlock", "ActionsBlock")
        assert parsed.to_dict()["type"] == given["type"]
        for element in getattr(parsed, "elements", ()):
            element.to_dict()


ELEMENTS = {
    "AdaptiveCard": {"body", "actions", "version", "$schema", "fallbackText", "msteams"},
    "RichTextBlock": {"inlines", "spacing"},
    "TextRun": {"text", "size", "weight", "color"},
    "Container": {"items", "style"},
    "Input.Text": {"id", "label", "value", "isMultiline"},
    "Action.Execute": {"title", "data", "style", "verb"},
    "Action.OpenUrl": {"title", "url"},
    "Action.ShowCard": {"title", "card"},
}
"""What Adaptive Cards 1.5 knows of what we use: https://adaptivecards.io/explorer/"""


@REFS
@CARDS
def test_teams_is_given_only_what_adaptive_cards_know(name, ref):
    payload = render(TEN[name], Surface.TEAMS, ref)
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    check_adaptive(attachment["content"])


def check_adaptive(element: dict) -> None:
    assert set(element) - {"type"} <= ELEMENTS[element["type"]], element
    for key in ("body", "actions", "inlines", "items", "card"):
        inner = element.get(key, [])
        for each in inner if isinstance(inner, list) else [inner]:
            check_adaptive(each)


def test_slacks_own_library_would_find_a_limit_broken():
    blocks = pytest.importorskip("slack_sdk.models.blocks")
    errors = pytest.importorskip("slack_sdk.errors")
    payload = render(TEN["invoice"], Surface.SLACK, REF)
    payload["blocks"][0]["text"]["text"] = "x" * 151
    with pytest.raises(errors.SlackObjectFormationError):
        blocks.Block.parse(payload["blocks"][0]).to_dict()
