"""Deciding in the browser: what a card shows, and what each answer sends."""

from datetime import timedelta

from playwright.async_api import Page, expect

from tests.browser.conftest import Look, Screen
from tests.browser.furniture import furnish
from tests.browser.house import House, iso, now


async def card(screen: Screen, **parts: object) -> Page:
    """Open a conversation that holds one approval."""
    talk = screen.house.talk("A post", "reynolds")
    made = screen.house.approval(talk, **parts)  # type: ignore[arg-type]
    screen.house.say(talk, "assistant", "It waits.", "evt_1", approval=made["id"])
    page = await screen.open(f"/chat/{talk.id}")
    await page.wait_for_selector(".card")
    return page


async def test_a_word_is_edited_and_approved_by_keyboard_alone(screen: Screen) -> None:
    page = await screen.open()
    await screen.say('publish "We are open on Sunday" on the blog')
    edit = page.locator(".card").get_by_role("button", name="Edit")
    await edit.wait_for()
    await edit.focus()
    await page.keyboard.press("Enter")
    text = page.locator(".card").get_by_label("Text", exact=True)
    await text.focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("We are open on Monday")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".card.approved .exact")).to_have_text("We are open on Monday")
    decision = screen.house.decisions[0]
    assert decision["decision"] == "edit"
    assert decision["version"] == 1
    assert decision["arguments"] == {"title": "Open on Sunday", "text": "We are open on Monday"}
    await expect(page.get_by_role("link", name="Open on Sunday", exact=True)).to_be_visible()


async def test_a_card_says_what_to_whom_how_much_who_and_until_when(screen: Screen) -> None:
    page = await card(
        screen,
        shown={
            "amount": "€1,240.00", "recipients": ["grace@example.org"], "sandbox": True,
            "warnings": ["Words from outside."],
        },
    )  # fmt: skip
    text = await page.locator(".card").inner_text()
    for words in (
        "Publish on the blog", "€1,240.00", "grace@example.org", "We are open on Sunday",
        "Everybody on the internet", "Ada Byron, through Reynolds", "Ada Byron, Bo Diddley",
        "in 7 days", "Publishing in your name always asks.", "Words from outside.", "Sandbox",
    ):  # fmt: skip
        assert words in text


async def test_approve_is_not_louder_than_the_other_choices(screen: Screen) -> None:
    page = await card(screen)
    look = "node => { const s = getComputedStyle(node); return [s.backgroundColor, s.fontWeight, s.borderTopWidth]; }"
    approve = await page.get_by_role("button", name="Approve").evaluate(look)
    assert approve == await page.get_by_role("button", name="Edit").evaluate(look)
    labels = await page.locator(".card .choices .button").all_inner_texts()
    assert labels == ["Edit", "Ask", "Reject", "Approve"]


async def test_a_press_shows_at_once_and_the_count_goes_down(screen: Screen) -> None:
    page = await card(screen)
    await expect(page.locator("#pending")).to_contain_text("1")
    assert (await page.title()).startswith("(1) ")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator(".card.approved")).to_contain_text("Approved by Ada Byron")
    await expect(page.locator("#pending")).to_be_hidden()
    assert not (await page.title()).startswith("(")


async def test_a_press_by_keyboard_leaves_focus_on_the_card(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Approve").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".card.approved")).to_be_focused()


async def test_a_rejection_takes_a_note(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Reject").click()
    await page.keyboard.type("not this week")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".card.rejected")).to_contain_text("not this week")
    assert screen.house.decisions[0]["note"] == "not this week"


async def test_a_question_needs_words_and_leaves_the_approval_waiting(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Ask").click()
    await page.get_by_role("button", name="Send question").click()
    await expect(page.locator(".card .problem")).to_have_text("Write your question first.")
    await page.get_by_label("Your question to Reynolds").fill("why Sunday?")
    await page.get_by_role("button", name="Send question").click()
    await expect(page.locator(".message.assistant").last).to_contain_text("first open day")
    await expect(page.locator(".card.pending .choices .button")).to_have_count(4)


async def test_escape_leaves_a_form_and_gives_focus_back(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Reject").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Edit")).to_be_focused()
    assert screen.house.decisions == []


async def test_a_refused_edit_stays_as_typed_with_the_reason(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Edit").click()
    await page.locator(".card [name=title]").fill("Kept")
    await page.locator(".card [name=text]").fill(" ")
    await page.get_by_role("button", name="Approve this version").click()
    await expect(page.locator(".card .problem")).to_have_text("The text may not be empty.")
    await expect(page.locator(".card [name=title]")).to_have_value("Kept")
    await expect(page.locator(".card [name=text]")).to_be_focused()


async def test_a_stale_card_is_replaced_and_says_why(screen: Screen) -> None:
    page = await card(screen)
    made = next(iter(screen.house.approvals.values()))
    made |= {"version": 2, "shown": made["shown"] | {"body": "Something else"}}
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator(".card .problem")).to_contain_text("It changed meanwhile")
    await expect(page.locator(".card .exact")).to_have_text("Something else")
    assert made["state"] == "pending"


async def test_what_somebody_else_decided_redraws_every_copy(look: Look) -> None:
    house = House()
    furnish(house)
    screen = await look(house)
    made = next(iter(house.approvals.values()))
    page = await screen.open(f"/chat/{made['conversation']}")
    await page.wait_for_selector(".card.pending")
    await page.get_by_role("button", name="Approvals").click()
    copies = page.locator(f"[data-approval={made['id']}]")
    await expect(copies).to_have_count(2)
    house.settle(made, "approve", {})
    await expect(copies.and_(page.locator(".approved"))).to_have_count(2)


async def test_what_was_done_while_the_line_was_cut_is_told_by_its_card(screen: Screen) -> None:
    page = await card(screen)
    made = next(iter(screen.house.approvals.values()))
    made |= {"state": "approved", "decided_by": "Ann"}  # behind the back of who watches
    await screen.say("drop the line")
    await expect(page.locator(f"[data-approval={made['id']}].approved")).to_have_count(1)


async def test_the_inbox_holds_all_that_waits_and_escape_leads_back(look: Look) -> None:
    house = House()
    furnish(house)
    screen = await look(house)
    page = await screen.open()
    await page.get_by_role("button", name="Approvals").click()
    await expect(page.locator("dialog .card.pending")).to_have_count(len(house.pending))
    await page.keyboard.press("Escape")
    await expect(page.locator("#inbox")).to_be_focused()


async def test_the_address_on_a_platforms_card_opens_its_question_alone(look: Look) -> None:
    house = House()
    furnish(house)
    screen = await look(house)
    made = house.pending[-1]
    page = await screen.open(f"/approvals/{made['id']}")
    await expect(page.locator("dialog .card")).to_have_count(1)
    await expect(page.locator(f"dialog [data-approval={made['id']}]")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Approvals").click()
    await expect(page.locator("dialog .card.pending")).to_have_count(len(house.pending))
    page = await screen.open("/approvals/apr_nobody")
    await expect(page.locator("dialog")).to_contain_text("There is no such thing here")


async def test_a_doubt_asks_there_again_or_leave(screen: Screen) -> None:
    furnish(screen.house)
    doubt = next(one for one in screen.house.pending if one["kind"] == "doubt")
    page = await screen.open(f"/chat/{doubt['conversation']}")
    labels = await page.locator(".card .choices .button").all_inner_texts()
    assert labels == ["It is there", "Post it again", "Leave it"]
    await page.get_by_role("button", name="It is there").click()
    await expect(page.locator(".card.approved")).to_have_count(1)
    assert screen.house.decisions[0]["decision"] == "there"


async def test_an_expiry_is_told_as_an_expiry_and_can_be_asked_anew(screen: Screen) -> None:
    page = await card(screen, state="expired", expires_at=iso(now() - timedelta(days=1)))
    words = page.locator(".card.expired")
    await expect(words).to_contain_text("Nobody decided in time")
    await expect(words).to_contain_text("not a rejection")
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator("#text")).to_have_value(
        "Please propose this again: Publish on the blog"
    )


async def test_hidden_characters_are_marked_counted_and_removable(screen: Screen) -> None:
    text = "Win\u200b now\u202egnp.exe\u202c 👩\u200d💻"
    page = await card(screen, arguments={"text": text}, shown={"body": text, "fields": []})
    marks = page.locator(".card .exact").first.locator(".hidden-char")
    await expect(marks).to_have_count(3)
    assert [mark[:6] for mark in await marks.all_inner_texts()] == ["U+200B", "U+202E", "U+202C"]
    await expect(page.locator(".card .warnings")).to_contain_text("3 hidden characters")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("button", name="Remove 3 hidden characters").click()
    assert "\u202e" not in await page.locator(".card [name=text]").input_value()


async def test_a_long_text_is_shown_whole_before_it_can_be_approved(screen: Screen) -> None:
    text = "word " * 900 + "THE END"
    page = await card(screen, arguments={"text": text}, shown={"body": text})
    await expect(page.get_by_role("button", name="Show all 4,507 characters")).to_be_visible()
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator(".card.pending .clipped")).to_have_count(0)
    assert screen.house.decisions == []
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator(".card.approved")).to_have_count(1)


async def test_who_may_not_decide_sees_the_card_and_no_buttons(screen: Screen) -> None:
    page = await card(screen, may_decide=False)
    await expect(page.locator(".card")).to_contain_text("You may not decide this")
    await expect(page.locator(".card .choices")).to_have_count(0)


async def test_several_deeds_can_be_struck_out_one_by_one(screen: Screen) -> None:
    effects = [
        {
            "id": name,
            "tool": f"{name}_publish",
            "title": f"Publish on {title}",
            "arguments": {"text": "Open"},
            "state": "awaiting_approval",
        }
        for name, title in (("x", "X"), ("threads", "Threads"))
    ]
    page = await card(screen, effects=effects, shown={"body": "Open", "fields": []})
    await expect(page.locator(".card .effects li")).to_have_count(2)
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_role("checkbox", name="Publish on X").uncheck()
    await page.get_by_role("button", name="Approve this version").click()
    await expect(page.locator(".card.approved")).to_have_count(1)
    assert screen.house.decisions[0]["arguments"] == {"x": None, "threads": {"text": "Open"}}


async def test_a_text_may_get_a_second_line_however_short_it_was(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Edit").click()
    await page.locator(".card [name=text]").press("End")
    await page.keyboard.press("Enter")
    await page.keyboard.type("From 10 to 4")
    assert screen.house.decisions == [], "a new line is no yes"
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".card.approved")).to_have_count(1)
    told = screen.house.decisions[0]["arguments"]["text"]
    assert told == "We are open on Sunday\nFrom 10 to 4"


async def test_enter_in_a_line_of_an_edit_is_no_yes(screen: Screen) -> None:
    page = await card(screen)
    await page.get_by_role("button", name="Edit").click()
    await page.locator(".card [name=title]").press("Enter")
    await page.wait_for_timeout(200)
    assert screen.house.decisions == []
    await expect(page.locator(".card [name=title]")).to_be_focused()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".card.approved")).to_have_count(1)


async def test_a_long_address_and_the_buttons_stay_inside_the_card(screen: Screen) -> None:
    why = f"Left out: Publish on LinkedIn. Connect it here: https://{'house.example/' * 8}"
    page = await card(screen, shown={"body": "Open", "fields": [], "warnings": [why]})
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        for path in ("", "/admin/approvals"):
            if path:
                await page.goto(f"{screen.url}{path}")
                await page.wait_for_selector(".card .choices")
            warning = page.locator(".card .warnings li")
            fits = await warning.evaluate("node => node.scrollWidth <= node.clientWidth")
            assert fits, (width, path)
            edit = await page.locator(".card .choices .button").first.bounding_box()
            title = await page.locator(".card header h2").bounding_box()
            assert edit and title and edit["x"] >= title["x"] - 1, (width, path)
