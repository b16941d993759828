"""Talking to an agent in the browser, by keyboard, through good and bad days."""

import asyncio
import re
from urllib.parse import quote

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Look, Screen
from tests.browser.furniture import furnish
from tests.browser.house import House


async def test_a_message_by_keyboard_is_answered_and_stays_after_a_reload(screen: Screen) -> None:
    page = await screen.open()
    await page.keyboard.type("good morning")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.assistant .text")).to_have_text("You said: good morning")
    assert "/chat/cnv_" in page.url
    await page.reload()
    await expect(page.locator(".message.user .text")).to_have_text("good morning")
    await expect(page.locator(".message.assistant .text")).to_have_text("You said: good morning")
    assert len(screen.house.sent) == 1


async def test_shift_enter_makes_a_line_and_enter_sends_both(screen: Screen) -> None:
    page = await screen.open()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.assistant")).to_have_count(1)
    assert screen.house.sent[0]["text"] == "one\ntwo"


async def test_enter_on_nothing_says_what_to_do(screen: Screen) -> None:
    page = await screen.open()
    await page.press("#text", "Enter")
    await expect(page.locator("#composer-note")).to_contain_text("Write a message first")
    assert screen.house.sent == []


async def test_a_failed_send_is_told_and_repeated_under_the_same_key(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("fail once")
    await expect(page.locator(".message.failed")).to_contain_text("The disk is full")
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator(".message.assistant .text")).to_have_text("You said: fail once")
    keys = {sent["key"] for sent in screen.house.sent}
    assert len(screen.house.sent) == 2
    assert len(keys) == 1


async def test_what_is_written_before_the_first_message_arrived_goes_on_in_its_conversation(
    screen: Screen,
) -> None:
    page, arrived = await screen.open(), asyncio.Event()

    async def slow(route: Route) -> None:
        if "one" in (route.request.post_data or ""):
            await arrived.wait()
        await route.continue_()

    await page.route("**/v1/messages", slow)
    await screen.say("one")
    await screen.say("two")
    await expect(page.locator(".message.user")).to_have_count(2)
    arrived.set()
    answers = page.locator(".message.assistant .text")
    await expect(answers).to_have_text(["You said: one", "You said: two"])
    await expect(page.locator(".message.user .text")).to_have_text(["one", "two"])
    assert len(screen.house.talks) == 1


async def test_a_message_that_must_be_repeated_is_not_overtaken(screen: Screen) -> None:
    page, broken = await screen.open(), [True]
    await screen.say("zero")
    await expect(page.locator(".message.assistant")).to_have_count(1)

    async def breaks(route: Route) -> None:
        await (route.abort() if broken and broken.pop() else route.continue_())

    await page.route("**/v1/messages", breaks)
    await screen.say("one")
    await screen.say("two")
    await expect(page.locator(".message.assistant")).to_have_count(3)
    assert [sent["text"] for sent in screen.house.sent] == ["zero", "one", "two"]


async def test_what_was_never_sent_is_still_there_after_a_reload(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("fail once")
    await expect(page.locator(".message.failed")).to_have_count(1)
    await page.reload()
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator(".message.assistant")).to_have_count(1)
    assert len({sent["key"] for sent in screen.house.sent}) == 1


async def test_what_failed_stays_on_the_page_when_a_later_message_opens_the_conversation(
    screen: Screen,
) -> None:
    page = await screen.open()
    await screen.say("fail once")
    await expect(page.locator(".message.failed")).to_have_count(1)
    await screen.say("hello")
    await expect(page.locator(".message.assistant .text")).to_have_text("You said: hello")
    await expect(page.locator(".message.failed")).to_contain_text("fail once")


async def test_a_failed_message_can_be_changed(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("fail once")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.locator("#text")).to_have_value("fail once")
    await expect(page.locator(".message.failed")).to_have_count(0)


async def test_a_dropped_stream_goes_on_without_losing_or_repeating_a_word(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("drop the line")
    draft = page.locator(".message.assistant .text").first
    await expect(draft).to_have_text("one two three four five six seven eight nine ten")
    assert screen.house.resumed
    await expect(page.locator(".message.assistant")).to_have_count(1)


async def test_a_reset_replaces_the_draft(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("reset yourself")
    await expect(page.locator(".message.assistant .text")).to_have_text("new words")
    await expect(page.locator(".message.assistant .text")).to_have_text("new words, finished")


async def test_work_is_told_in_words_and_can_be_stopped(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("wait for me")
    await expect(page.locator(".activity")).to_have_text("Reading example.org")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".activity")).to_have_count(0)
    await expect(page.locator("#stop")).to_be_hidden()


async def test_markdown_is_drawn_with_links_that_say_where_they_lead(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("long please")
    await expect(page.locator(".message.assistant .actions")).to_have_count(1)
    text = page.locator(".message.assistant .text")
    await expect(text.locator("h2")).to_have_text("What changes")
    await expect(text.locator("ol > li")).to_have_count(3)
    await expect(text.locator("ol ul > li")).to_have_count(2)
    await expect(text.locator("tbody tr")).to_have_count(2)
    await expect(text.locator("pre code")).to_contain_text("def is_open")
    await expect(text.locator("blockquote")).to_contain_text("861 people")
    outside = text.get_by_role("link", name="our page")
    assert await outside.get_attribute("rel") == "noopener noreferrer nofollow"
    assert await outside.get_attribute("target") == "_blank"
    await expect(text).to_contain_text("↗ example.org")


async def test_links_of_a_steered_agent_lead_over_a_page_unless_a_person_named_them(
    screen: Screen,
) -> None:
    talk = screen.house.talk("Mail", "bri")
    mine, evil = "https://example.org/mine", "https://evil.example/take?q=a&b=c"
    screen.house.say(talk, "user", f"Compare {mine}.", "evt_1")
    text = f"[yours]({mine}) and [theirs]({evil}), <{mine}2>, [here](/chat)"
    screen.house.say(talk, "assistant", text, "evt_1", outside=True)
    screen.house.say(talk, "assistant", f"[plain]({evil})", "evt_2")
    page = await screen.open(f"/chat/{talk.id}")
    over = f"/chat/{talk.id}/out?to="
    for name, href in (
        ("yours", mine),
        ("theirs", f"{over}{quote(evil, safe='')}"),
        (f"{mine}2", f"{over}{quote(mine + '2', safe='')}"),
        ("here", "/chat"),
        ("plain", evil),
    ):
        link = page.locator(".message .text a").filter(has_text=re.compile(f"^{re.escape(name)}"))
        found = link.last if name == mine + "2" else link.first
        await expect(found).to_have_attribute("href", href)


async def test_no_mark_turns_the_words_of_an_answer_around(screen: Screen) -> None:
    talk = screen.house.talk("Turned", "bri")
    text = "\u202eSee [the bank](https://evil.example/) and `a\u2066b`"
    screen.house.say(talk, "assistant", text, "evt_1")
    page = await screen.open(f"/chat/{talk.id}")
    shown = await page.locator(".message .text").inner_text()
    assert shown.startswith("[U+202E]See the bank") and "a[U+2066]b" in shown


async def test_no_link_leads_out_of_words_that_are_still_being_written(screen: Screen) -> None:
    talk = screen.house.talk("Mail", "bri")
    talk.state = "running"
    page = await screen.open(f"/chat/{talk.id}")
    delta = "Look: [theirs](https://evil.example/)"
    talk.tell("draft", {"turn": "evt_1", "delta": delta, "agent": "bri"}, "evt_1", 1)
    link = page.locator("[aria-busy=true] .text a")
    await expect(link).to_contain_text("theirs")
    assert await link.get_attribute("href") is None


async def test_words_with_a_bar_above_a_rule_are_no_table(screen: Screen) -> None:
    talk = screen.house.talk("Half a table", "bri")
    talk.state = "running"
    screen.house.say(talk, "assistant", "Ann | Bo\n---\nthe end", "evt_1")
    page = await screen.open(f"/chat/{talk.id}")
    await expect(page.locator(".message .text > *")).to_have_text(["Ann | Bo", "", "the end"])
    draft = page.locator("[aria-busy=true] .text")
    talk.tell("draft", {"turn": "evt_2", "delta": "so\na | b\n---", "agent": "bri"}, "evt_2", 1)
    await expect(draft.locator("hr")).to_have_count(1)
    talk.tell("draft", {"turn": "evt_2", "delta": "|---\n1 | 2", "agent": "bri"}, "evt_2", 2)
    await expect(draft.locator("td")).to_have_text(["1", "2"])
    await expect(draft.locator("p")).to_have_text("so")


async def test_a_missing_key_is_pasted_where_it_was_missed(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("nokey hello")
    field = page.locator(".message.failed").get_by_label("Model key")
    await field.fill("sk-proj-wrong")
    await expect(page.locator(".message.failed")).to_contain_text("Looks like a key of OpenAI")
    await field.press("Enter")
    await expect(page.locator(".message.failed")).to_contain_text("HTTP 401")
    await expect(field).to_have_value("sk-proj-wrong")
    await field.fill("sk-proj-right")
    await field.press("Enter")
    await expect(page.locator(".message.assistant .text")).to_have_text("You said: nokey hello")
    await expect(page.locator("#system")).to_contain_text("openai/gpt-4o-mini")


async def test_the_offline_model_says_so_and_offers_the_field_below_its_newest_answer(
    screen: Screen,
) -> None:
    page = await screen.open()
    await screen.say("one")
    await expect(page.locator(".foot-text")).to_have_count(1)
    await screen.say("two")
    await expect(page.locator(".foot-text")).to_have_count(2)
    await expect(page.locator(".message .key-form")).to_have_count(1)
    await expect(page.locator(".message .key-form").get_by_label("Model key")).to_be_visible()


async def test_a_refused_key_of_a_running_turn_gets_its_field_in_place(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("badkey")
    problem = page.locator("#thread > .problem")
    await expect(problem).to_contain_text("ending in 9Zq4")
    await expect(problem.get_by_label("Model key")).to_be_visible()


async def test_keys_open_and_close_and_focus_goes_back(screen: Screen) -> None:
    furnish(screen.house)
    page = await screen.open()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("invoice")
    await page.keyboard.press("Enter")
    await expect(page.locator("#title")).to_have_text("Invoice for March")
    await page.locator("#main").focus()
    await page.keyboard.press("/")
    await expect(page.locator("#text")).to_be_focused()
    await page.locator("#stop, #inbox").last.focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("#inbox")).to_be_focused()


async def test_a_draft_survives_a_reload(screen: Screen) -> None:
    page = await screen.open()
    await page.fill("#text", "half a thought")
    await page.reload()
    await expect(page.locator("#text")).to_have_value("half a thought")


async def test_files_come_by_picker_and_drop_and_a_refused_one_says_why(screen: Screen) -> None:
    page = await screen.open()
    await page.set_input_files(
        "#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    await expect(page.locator("#files")).to_contain_text("5 B")
    await page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["too large"], "film.mp4"));
            const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            document.getElementById("main").dispatchEvent(drop);
        }"""
    )
    await expect(page.locator("#files")).to_contain_text("Larger than 1 MB")
    await screen.say("see the file")
    await expect(page.locator("#composer-note")).to_contain_text("A file was not taken")
    await page.get_by_role("button", name="Remove film.mp4").click()
    await page.press("#text", "Enter")
    await expect(page.locator(".message.assistant")).to_have_count(1)
    assert len(screen.house.sent[0]["attachments"]) == 1


async def test_a_thumb_is_noted_and_a_bad_one_may_say_why(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("hello")
    await page.get_by_role("button", name="Bad answer").click()
    await page.get_by_label("What was wrong?").fill("too short")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("What was wrong?")).to_have_count(0)
    assert [given.get("detail") for given in screen.house.feedback] == [None, "too short"]


async def test_five_tabs_of_one_browser_all_see_the_answer(look: Look) -> None:
    house = House()
    furnish(house)
    screen = await look(house)
    path = f"/chat/{next(iter(house.talks))}"
    pages = [await screen.open(path)]
    for _ in range(4):
        pages.append(await screen.second())
        await pages[-1].goto(screen.url + path)
        await pages[-1].wait_for_selector(".card")
    await screen.say("everybody here?")
    for page in pages:
        await expect(page.locator(".message.assistant").last).to_contain_text("everybody here?")


async def test_steps_of_setting_up_are_gone_once_they_are_done(look: Look) -> None:
    house = House()
    screen = await look(house)
    page = await screen.open()
    await expect(page.locator(".steps > li")).to_have_count(3)
    house.offline = False
    furnish(house)
    await page.goto(screen.url + "/admin/people")
    await page.get_by_label("Name", exact=True).fill("Grace")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=It works once")
    await screen.open()
    await expect(page.locator(".steps")).to_have_count(0)
    await expect(page.locator(".start .rows > li")).to_have_count(5)


async def test_on_a_phone_the_side_is_a_drawer_that_gives_focus_back(look: Look) -> None:
    house = House()
    furnish(house)
    screen = await look(house, phone=True)
    page = await screen.open()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.get_by_role("button", name="Agents and conversations").tap()
    await page.get_by_role("link", name="Lunch order").tap()
    await expect(page.locator("#title")).to_have_text("Lunch order")
    await expect(page.locator("#side")).not_to_be_in_viewport()
    await page.get_by_role("button", name="Agents and conversations").tap()
    await page.keyboard.press("Escape")
    await expect(page.locator("#side-open")).to_be_focused()


async def test_a_long_conversation_shows_its_end_and_gives_the_rest_on_demand(
    screen: Screen,
) -> None:
    talk = screen.house.talk("Long", "bri")
    for number in range(450):
        screen.house.say(talk, "user", f"line {number}", f"evt_{number}")
    page = await screen.open(f"/chat/{talk.id}")
    await expect(page.locator(".message")).to_have_count(100)
    await expect(page.get_by_text("line 449", exact=True)).to_be_in_viewport()
    for shown in (200, 300, 400, 450):
        first = await page.locator(".message .text").first.inner_text()
        await page.locator(".message").first.evaluate("node => node.scrollIntoView()")
        await expect(page.locator(".message")).to_have_count(shown)
        await expect(page.locator(".day")).to_have_count(1)
        await expect(page.get_by_text(first, exact=True)).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Show earlier messages")).to_have_count(0)


async def test_a_silent_server_is_told_and_found_again(screen: Screen) -> None:
    page = await screen.open()
    async with page.expect_response(lambda response: "talk.js" in response.url):
        await page.keyboard.type("are you there?")
    await page.context.set_offline(True)
    await page.keyboard.press("Enter")
    await expect(page.locator(".message.user")).to_contain_text("Sending")
    await page.context.set_offline(False)
    await expect(page.locator(".message.assistant")).to_contain_text("are you there?")
    assert len(screen.house.keys) == 1


async def test_words_are_never_lost_when_even_the_script_cannot_be_had(screen: Screen) -> None:
    page = await screen.open()
    await page.context.set_offline(True)
    await screen.say("do not lose this")
    await expect(page.locator("#composer-note")).to_contain_text("does not answer")
    await expect(page.locator("#text")).to_have_value("do not lose this")
    await page.context.set_offline(False)
    await page.press("#text", "Enter")
    await expect(page.locator(".message.assistant")).to_contain_text("do not lose this")


async def test_a_chosen_agent_is_named_once_and_an_unchosen_one_never(screen: Screen) -> None:
    page = await screen.open()
    await screen.say("to whoever fits")
    await expect(page.locator("#agent")).to_have_value("bri")
    await page.locator("#agent").select_option("donna")
    await screen.say("to Donna")
    await expect(page.locator(".message.assistant")).to_have_count(2)
    assert [sent.get("agent") for sent in screen.house.sent] == [None, "donna"]


async def test_signing_out_forgets_what_this_browser_kept(screen: Screen) -> None:
    page = await screen.open()
    await page.fill("#text", "half a thought")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/in")
    assert await page.evaluate("localStorage.length") == 0


async def test_a_failed_turn_shows_what_can_be_done_about_it(screen: Screen) -> None:
    talk = screen.house.talk("Broken", "bri")
    spent = {"label": "See what waits for a yes", "href": "/admin/approvals"}
    screen.house.say(
        talk, "system", "The budget is used up.", "evt_1", cause="budget", action=spent
    )
    key = {"label": "Give another key", "href": "/admin#key"}
    screen.house.say(talk, "system", "Refused.", "evt_2", cause="model.auth", action=key)
    page = await screen.open(f"/chat/{talk.id}")
    link = page.get_by_role("link", name=spent["label"])
    await expect(link).to_have_attribute("href", "/admin/approvals")
    await expect(page.locator(".message > .key-form")).to_have_count(1)
    await expect(page.get_by_role("link", name=key["label"])).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True])
async def test_conversations_are_reachable_at_once_and_agents_one_press_away(
    look: Look, phone: bool
) -> None:
    house = House()
    for number in range(20):
        house.talk(f"Matter {number}", "bri")
    screen = await look(house, phone=phone)
    page = await screen.open()
    if phone:
        await page.get_by_role("button", name="Agents and conversations").tap()
    side = page.locator("#side-lists")
    shown = side.locator("a.side-row")
    for nearest in range(5):
        await expect(shown.nth(nearest)).to_be_in_viewport(ratio=1)
    kelly = side.get_by_role("button", name="Kelly")
    await expect(kelly).to_be_hidden()
    agents = side.locator("summary")
    await agents.focus()
    await page.keyboard.press("Enter")
    await expect(kelly).to_be_in_viewport()
    await kelly.click()
    await expect(page.locator("#agent")).to_have_value("kelly")


async def test_agents_are_all_that_is_shown_until_there_is_a_conversation(screen: Screen) -> None:
    page = await screen.open()
    await expect(page.locator("#side-lists").get_by_role("button", name="Kelly")).to_be_visible()
    await screen.say("good morning")
    await expect(page.locator(".message.assistant")).to_have_count(1)
    await expect(page.locator("#side-lists a.side-row")).to_be_in_viewport(ratio=1)
