"""A card says in how many messages a text goes: as many as the channel makes of it."""

import pytest

pytest.importorskip("discord")
pytest.importorskip("telegram")

from channels.discord.channel import Discord
from channels.slack.features import FEATURES as SLACK_FEATURES
from channels.telegram.channel import Telegram
from tools.messages.discord import DISCORD
from tools.messages.slack import SLACK
from tools.messages.telegram import TELEGRAM


@pytest.mark.parametrize(
    ("platform", "features"),
    [
        (SLACK, SLACK_FEATURES),
        (DISCORD, Discord.features),
        (TELEGRAM, Telegram.features),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_a_message_is_as_long_for_the_card_as_for_the_channel(platform, features) -> None:
    assert platform.max_chars == features.max_chars
