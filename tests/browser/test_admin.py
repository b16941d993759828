"""The administration in the browser: each page does what it is for."""

from playwright.async_api import expect

from tests.browser.conftest import Screen
from tests.browser.furniture import furnish
from tests.browser.office import OFFICE


async def test_status_tells_what_is_down_and_what_needs_somebody(screen: Screen) -> None:
    furnish(screen.house)
    page = await screen.open("/admin")
    await expect(page.get_by_label("Channels", exact=True).first).to_contain_text(
        "the token was revoked"
    )
    await expect(page.locator("main")).to_contain_text("1 deed is in doubt")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("main")).to_contain_text("Queued again")


async def test_a_route_is_tested_added_and_removed_after_a_second_press(screen: Screen) -> None:
    page = await screen.open("/admin/routes")
    test = page.get_by_role("form", name="Who would answer?")
    await test.get_by_label("Channel").fill("slack")
    await test.get_by_label("Place").fill("C123")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="would answer")).to_contain_text(
        "Kelly would answer"
    )
    add = page.get_by_role("form", name="Add rule")
    await add.get_by_label("Channel").fill("sms")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Choose an agent.")).to_be_visible()
    await add.get_by_label("Agent").select_option("donna")
    await add.get_by_role("button").click()
    rules = page.get_by_role("table", name="Rules", exact=True)
    await expect(rules).to_contain_text("channel sms")
    remove = rules.get_by_role("button", name="Remove the rule for channel sms")
    await remove.click()
    assert len(screen.app[OFFICE].routes) == 3
    await remove.click()
    await expect(rules).not_to_contain_text("channel sms")


async def test_a_person_is_added_and_the_link_is_shown_once(screen: Screen) -> None:
    page = await screen.open("/admin/people")
    form = page.get_by_role("form", name="Add person")
    await form.get_by_role("button").click()
    await expect(page.get_by_text("A person needs a name.")).to_be_visible()
    await form.get_by_label("Name").fill("Grace Hopper")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("/in/7YQ2-K4WD-MN3P")
    await page.reload()
    await expect(page.get_by_role("table")).to_contain_text("Grace Hopper")
    await expect(page.locator("main")).not_to_contain_text("/in/7YQ2")


async def test_a_role_is_changed_and_the_only_owner_stays_one(screen: Screen) -> None:
    people = screen.app[OFFICE].people
    people.append({**people[0], "id": "per_2", "name": "Bo", "role": "member"})
    page = await screen.open("/admin/people")
    ada = page.get_by_label("Role of Ada Byron")
    await ada.select_option("member")
    await expect(page.locator("td").get_by_text("This is the only owner")).to_be_visible()
    await expect(ada).to_have_value("owner")
    remove = page.get_by_role("button", name="Remove Ada Byron")
    await remove.click()
    await remove.click()
    await expect(remove).to_have_text("This is the only owner. Make somebody else an owner.")
    await expect(remove).to_be_enabled()
    await remove.click()
    await expect(remove).to_have_text("Really remove?")
    await page.get_by_label("Role of Bo").select_option("owner")
    await expect(page.locator("td").get_by_text("This is the only owner")).to_have_count(0)
    await ada.select_option("member")
    await expect(page.get_by_text("This is the only owner")).to_have_count(0)
    await expect(ada).to_have_value("member")
    await remove.click()
    await remove.click()
    await expect(page.get_by_role("table")).not_to_contain_text("Ada Byron")


async def test_a_stranger_with_a_code_is_admitted(screen: Screen) -> None:
    page = await screen.open("/admin/people")
    code = page.get_by_role("form", name="Admit").get_by_label("Code")
    await code.fill("nope")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("older than an hour")).to_be_visible()
    await code.fill("k7q2m4wd")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("is admitted")).to_be_visible()


async def test_a_trace_is_walked_by_keys_and_each_step_has_a_link(screen: Screen) -> None:
    page = await screen.open("/admin/events")
    await page.locator("tbody tr a").nth(1).click()
    await page.wait_for_selector(".tree .row")
    await expect(page.locator(".row.total")).to_contain_text("4,620, 205")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    assert page.url.endswith("#step-1")
    await page.get_by_role(
        "button", name="Raw data of Asked the model openai/gpt-4o-mini"
    ).first.click()
    await expect(page.locator(".raw:visible")).to_contain_text("tool_calls")
    await page.keyboard.press("n")
    await expect(page).to_have_url(f"{screen.url}/admin/events/evt_00002")
    await page.wait_for_selector(".tree .row")
    await page.keyboard.press("p")
    await expect(page).to_have_url(f"{screen.url}/admin/events/evt_00001")


async def test_a_schedule_is_paused_and_resumed(screen: Screen) -> None:
    page = await screen.open("/admin/schedules")
    await page.get_by_role("button", name="Pause: every weekday at 9").click()
    await page.get_by_role("button", name="Resume: every weekday at 9").click()
    await expect(page.get_by_role("button", name="Pause: every weekday at 9")).to_be_visible()


async def test_a_file_is_uploaded_linked_to_and_deleted_after_a_second_press(
    screen: Screen,
) -> None:
    page = await screen.open("/admin/files")
    table = page.get_by_role("table", name="Files")
    await expect(table.locator("tbody tr")).to_have_count(3)
    await expect(table).to_contain_text("Everybody")
    await page.get_by_label("Everybody in the workspace may read it").check()
    new = {"name": "hours.txt", "mimeType": "text/plain", "buffer": b"Open on Sunday"}
    await page.set_input_files("#new-file", new)  # type: ignore[arg-type]
    await expect(page.get_by_text("hours.txt is kept.")).to_be_visible()
    await expect(table.locator("tbody tr").first).to_contain_text("Everybody")
    await page.get_by_role("button", name="Link to minutes-march.md").click()
    await expect(page.locator(".notice code")).to_contain_text("/files/tnt_1.fil_1.")
    remove = table.get_by_role("button", name="Delete minutes-march.md")
    await remove.click()
    assert len(screen.app[OFFICE].files) == 4
    await remove.click()
    await expect(table).not_to_contain_text("minutes-march.md")
    large = {"name": "x.bin", "mimeType": "text/plain", "buffer": b"too large"}
    await page.set_input_files("#new-file", large)  # type: ignore[arg-type]
    await expect(page.get_by_text("Larger than 1 MB.")).to_be_visible()


async def test_a_member_finds_their_files_from_the_chat_and_deletes_only_those(
    screen: Screen,
) -> None:
    screen.house.role = "member"
    page = await screen.open("/chat")
    await page.get_by_role("link", name="Files", exact=True).click()
    table = page.get_by_role("table", name="Files")
    await expect(table.locator("tbody tr")).to_have_count(3)
    await expect(table.get_by_role("button", name="Delete")).to_have_count(2)
    await expect(table).to_contain_text("You")
    await expect(page.get_by_label("Everybody in the workspace may read it")).to_have_count(0)


async def test_the_sandbox_shows_what_would_have_been_sent_and_marks_it(screen: Screen) -> None:
    page = await screen.open("/admin/sandbox")
    posts = page.locator(".post")
    await expect(posts).to_have_count(3)
    await expect(posts.first).to_contain_text("Come by on Sunday!")
    await expect(posts.nth(2)).to_contain_text("€1,240.00")
    await expect(posts.locator(".tag")).to_have_text(["Sandbox"] * 3)


async def test_approvals_are_shown_by_state_and_an_empty_one_says_so(screen: Screen) -> None:
    furnish(screen.house)
    page = await screen.open("/admin/approvals")
    await expect(page.locator(".card.pending")).to_have_count(5)
    await page.get_by_label("Show").select_option("expired")
    await expect(page.locator(".card.expired")).to_have_count(1)
    await page.get_by_label("Show").select_option("withdrawn")
    await expect(page.locator(".empty")).to_contain_text("Nothing has been withdrawn.")


async def test_every_empty_list_has_a_sentence_and_one_action(screen: Screen) -> None:
    screen.app[OFFICE].is_empty = True
    for name in (
        "agents",
        "schedules",
        "files",
        "memory",
        "feedback",
        "audit",
        "sandbox",
        "approvals",
    ):
        page = await screen.open(f"/admin/{name}")
        await expect(page.locator(".empty")).to_have_count(1)
        await expect(page.locator(".empty").locator("a, button")).to_have_count(1)


async def test_an_agent_of_the_list_opens_the_chat_with_it(screen: Screen) -> None:
    page = await screen.open("/admin/agents")
    await page.get_by_role("link", name="Write to Kelly").click()
    await expect(page.locator("#agent")).to_have_value("kelly")
    await expect(page.locator(".side-row[aria-current]")).to_contain_text("Kelly")


async def test_what_failed_for_good_stands_first_with_the_way_to_mend_it(screen: Screen) -> None:
    screen.house.troubles = [TROUBLE]
    screen.house.extensions = [
        {"name": "paperboy", "version": "1.0.0", "brings": "channel paperboy", "problem": ""},
        {"name": "raven", "version": "", "brings": "", "problem": "It is not installed here."},
    ]
    page = await screen.open("/admin")
    needs = page.get_by_role("region", name="Needs you")
    await expect(needs).to_contain_text("An action was given up: x_publish, 3 times since")
    await expect(needs.get_by_role("link", name="Mend it")).to_have_attribute(
        "href", "/admin/events/evt_00001"
    )
    table = page.get_by_role("table", name="Extensions")
    await expect(table).to_contain_text("paperboy 1.0.0")
    await expect(table).to_contain_text("It is not installed here.")


async def test_owners_read_what_people_thought_of_answers(screen: Screen) -> None:
    page = await screen.open("/admin/feedback")
    table = page.get_by_role("table", name="Feedback")
    await expect(table.get_by_role("row")).to_have_count(51)
    await expect(table.get_by_role("row").nth(2)).to_contain_text("It was too short")
    await expect(table.get_by_role("row").nth(2).get_by_role("link")).to_have_attribute(
        "href", "/admin/events/evt_00001"
    )


TROUBLE = {
    "id": "trb_1",
    "title": "An action was given up: x_publish",
    "step": "See what was answered, mend that, then ask for it again.",
    "command": "bot trace evt_00001",
    "href": "/admin/events/evt_00001",
    "count": 3,
    "since": "2026-11-21T10:12:00.000Z",
    "last": "2026-11-21T10:12:00.000Z",
}


async def test_a_stranger_who_is_known_elsewhere_becomes_the_same_person(screen: Screen) -> None:
    page = await screen.open("/admin/people")
    form = page.get_by_role("form", name="Admit")
    await form.get_by_label("Code").fill("K7Q2M4WD")
    known = screen.app[OFFICE].people[0]["name"]
    await form.get_by_label("They are").select_option(label=known)
    await form.get_by_role("button").click()
    await expect(page.get_by_text(f"They are known as {known} now.")).to_be_visible()


async def test_a_note_is_forgotten_and_a_conversation_brought_back(screen: Screen) -> None:
    page = await screen.open("/admin/memory")
    notes = page.get_by_role("table", name="Notes")
    await expect(notes.get_by_role("link", name="a conversation").first).to_be_visible()
    await expect(notes).to_contain_text("from outside")
    forget = notes.get_by_role("button", name="Forget this note").first
    await forget.click()
    await expect(forget).to_have_text("Really forget?")
    await forget.click()
    await expect(notes.get_by_role("button", name="Forget this note")).to_have_count(1)
    await page.get_by_role("button", name="Bring back Plans of last winter").click()
    await expect(page.get_by_role("table", name="Archives")).to_contain_text("It is back")
