"""A voice note on Telegram, from the phone to the answer: `bot run` as a user starts it."""

import json
from pathlib import Path

import pytest

pytest.importorskip("telegram")

from tests.channels.running import found
from tests.channels.test_telegram_whole import ANA, House, whole

pytestmark = pytest.mark.timeout(300)
SOUND = b"OggS" + bytes(3000)


async def speak(house: House, caption: str = "") -> None:
    """Ana sends a voice note."""
    house.telegram.world.send_file(
        ANA, SOUND, kind="voice", name="", media_type="audio/ogg", caption=caption
    )


@pytest.mark.parametrize("transport", ["direct", pytest.param("litellm", marks=pytest.mark.long)])
async def test_a_voice_note_is_written_down_for_the_agent_and_paid_for(
    tmp_path: Path, transport: str
) -> None:
    more = {"BOT_MODELS_TRANSCRIPTION": "openai/whisper-1", "BOT_MODELS_TRANSPORT": transport}
    async with whole(tmp_path, **more) as house:
        await house.pair()
        house.model.said = lambda content: {
            "text": "Buy two loaves",
            "usage": {"type": "duration", "seconds": 3},
        }
        await speak(house)
        await found(lambda: "All right." in house.said())
        heard = [each for each in house.model.requests if each.path.endswith("transcriptions")]
        assert [each.body["file"] for each in heard] == [("voice.ogg", "audio/ogg", len(SOUND))]
        asked = json.dumps([each.body for each in house.model.requests if "messages" in each.body])
        assert "heard in voice.ogg" in asked and "Buy two loaves" in asked
        assert '<outside source=\\"voice note\\">' in asked
        assert not house.telegram.mistakes and not house.model.violations


async def test_where_nobody_listens_that_is_said(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        await house.pair()
        await speak(house)
        await found(lambda: any("Nobody listens" in text for text in house.said()))
        assert not [each for each in house.model.requests if "messages" in each.body]
