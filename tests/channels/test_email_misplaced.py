"""A code in a mail that does not stand above the quotation: it decides nothing, and that is said."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from channels.email.intake import BELOW
from channels.email.quoting import split
from tests.channels.email_side import written
from tests.channels.test_email import heard
from tests.channels.test_email_reading import QUOTES
from tests.channels.test_email_whole import asks, said, whole

CARD = "On 5 Jan 2026, Kelly <k@bot.example> wrote:\n> Reply OK 4821 or NO 4821."


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (CARD, ["4821"]),
        (f"\n\n-- \nAna\n\n{CARD}", ["4821"]),
        (f"Sent from my iPhone\n\n{CARD}", ["4821"]),
        (f"{CARD}\n\nOK 4821\n", ["4821"]),
        (f"{CARD}\n/approve 4821", ["4821"]),
        (f"Thanks!\n\n{CARD}\n\nno 4821 it is too early", ["4821"]),
        (f"{CARD}\n> OK 4821", ["4821"]),
        # Above the quotation it counts, and real words are words, whatever they quote.
        (f"OK 4821\n\n{CARD}", []),
        (f"OK 4821\n\n{CARD}\nNO 4821", []),
        (f"/approve 4821\n\n{CARD}\nNO 4821", []),
        (f"What does it cost?\n\n{CARD}", []),
        (f"{CARD}\nWhat does it cost?", []),
        (f"{CARD}\nI say OK 4821 if it is cheap", []),
        ("", []),
        (f"---------- Forwarded message ---------\n{CARD}", []),
    ],
)
async def test_codes_that_were_meant_to_decide_are_known(text: str, codes: list[str]) -> None:
    event = await heard(written(text))
    assert event
    told = {"codes": codes, "say": BELOW} if codes else None
    assert event.payload.get("misplaced") == told


async def test_a_file_without_a_word_is_no_answer_to_what_it_quotes() -> None:
    mail = message_from_bytes(written(CARD), policy=policy.default)
    mail.add_attachment(b"ink", "image", "png", filename="a.png")
    event = await heard(mail.as_bytes())
    assert event and event.attachments and "misplaced" not in event.payload


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quotation_alone_is_known_in_every_form_and_a_forward_is_not_one(quote: str) -> None:
    found = split(quote)
    assert found.misplaced == (() if found.is_forward else ("4821",))
    assert split(f"Not yet.\n\n{quote}").misplaced == ()


async def test_on_the_whole_program_it_is_said_and_decides_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        asked = await house.write("publish it")
        card, code = await asks(house)
        # The question stands in her thread.
        assert card.mail["In-Reply-To"] == asked and asked in str(card.mail["References"])
        await house.write("", card)
        told = await said(house, "Nothing was decided")
        assert told.mail["In-Reply-To"] and house.posts() == []
        # A question of hers about it is answered, though it quotes the card.
        seen = len(house.smtp.taken)
        await house.write("What is that?", card)
        answer = await house.sent(seen + 1)
        assert "You said" in answer.mail.get_body(("plain",)).get_content()
        # The note of the decision, and its outcome, stand in the thread as well.
        await house.write(f"OK {code}", card)
        note = await said(house, "Approved by Ana")
        assert {asked, str(card.mail["Message-ID"])} <= set(str(note.mail["References"]).split())
