"""Every tool that writes has a table of faults and the story of a kill; a new one cannot come without.

`SHOWN` says where: what each answer of the service comes to, and what is there once after the whole
program was killed between the call and the row of its end. Tools that do nothing themselves have no
faults of their own: a call of theirs stands for calls of others, or for a person's hands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agents.runtime import registry
from bot.core.effect import Policy
from bot.core.tool import Risk, Tool
from tests.fakes.vendor import Vendor, tools_of
from tests.test_security_cases import declared_in
from tests.tools.messages.rows import ROWS

ROOT = Path(__file__).resolve().parent
_KILLS = re.compile(r"\bSIGKILL\b|\bDIES\b|\.killed\(")
"""What a story that kills the program says."""

ACCOUNTS = "test_refusals.py::test_a_refusal_is_worded_and_nothing_is_there"
MESSAGES = "messages/test_refusals.py::test_a_refusal_is_worded_and_nothing_is_there"
MONEY = (
    "payments/test_refusals.py::test_a_refusal_of_any_step_is_worded_and_afterwards_it_is_done_once"
)
POSTED = "social/test_faults.py::test_a_refusal_is_told_in_words_and_nothing_is_there"
DOWN = "social/test_deletions.py::test_a_refusal_leaves_the_post_and_says_why"
TAKEN = "social/test_kills.py::test_a_post_is_taken_down_once_through_a_kill"
PUT = "social/test_kills.py::test_a_post_is_put_up_once_through_a_kill"
PAID = "payments/test_story_each.py::test_it_is_done_by_a_yes_and_once_through_a_kill"
DISCORD = "messages/test_whole.py::test_what_discord_has_taken_is_there_once"

SHOWN: Mapping[str, tuple[str, str]] = {
    "calendar_create": (
        ACCOUNTS, "calendar/test_whole.py::test_an_event_is_made_by_a_yes_once_through_a_kill",
    ),
    "calendar_update": (
        ACCOUNTS, "calendar/test_whole.py::test_an_event_is_moved_once_through_a_kill",
    ),
    **dict.fromkeys(("calendar_cancel", "calendar_respond"), (
        ACCOUNTS,
        "calendar/test_whole_series.py::test_an_event_is_cancelled_or_answered_once_through_a_kill",
    )),
    **dict.fromkeys(("mailbox_draft", "mailbox_send"), (
        ACCOUNTS,
        "mailbox/test_whole.py::test_a_mail_is_read_drafted_and_answered_by_a_yes_once_through_a_kill",
    )),
    "mailbox_forward": (
        ACCOUNTS, "mailbox/test_whole.py::test_a_mail_is_forwarded_by_a_yes_once_through_a_kill",
    ),
    "mailbox_sort": (
        ACCOUNTS, "mailbox/test_whole.py::test_a_mail_is_sorted_by_a_yes_once_through_a_kill",
    ),
    **dict.fromkeys(("drive_upload", "drive_share"), (
        ACCOUNTS, "drive/test_whole.py::test_a_file_is_put_there_and_shared_once_through_a_kill",
    )),
    "drive_unshare": (
        ACCOUNTS, "drive/test_whole.py::test_a_file_is_taken_back_once_through_a_kill",
    ),
    "send_slack_message": (
        MESSAGES,
        "../channels/test_messages_whole.py::test_a_file_comes_back_and_a_message_leaves_by_a_yes",
    ),
    **dict.fromkeys(("send_discord_message", "community_role"), (MESSAGES, DISCORD)),
    "community_recognise": (
        MESSAGES,
        "../channels/test_discord_community.py::"
        "test_the_whole_program_changes_roles_and_recognises_once_across_a_kill",
    ),
    "send_telegram_message": (
        MESSAGES,
        "../channels/test_telegram_notify.py::"
        "test_a_message_without_an_answer_is_asked_about_and_not_repeated",
    ),
    "send_telegram_message_to": (
        MESSAGES,
        "../channels/test_telegram_notify.py::"
        "test_what_somebody_else_is_told_through_a_kill_is_asked_about_and_there_once",
    ),
    "teams_post_message": (
        MESSAGES,
        "messages/test_whole.py::"
        "test_what_teams_has_taken_unheard_is_asked_about_and_stands_there_once",
    ),
    "send_sms": (
        MESSAGES,
        "../channels/test_sms_whole.py::"
        "test_killed_while_it_answers_it_loses_nothing_and_says_nothing_twice",
    ),
    "send_email": (
        MESSAGES,
        "../channels/test_email_kills.py::"
        "test_killed_while_mail_leaves_nothing_is_lost_and_what_may_be_twice_is_known",
    ),
    "score_update": (
        "community/test_score.py::"
        "test_a_database_that_fails_changes_nothing_and_the_same_deed_counts_once",
        "community/test_score.py::test_the_score_changes_once_through_a_kill",
    ),
    "stripe_invoice": (
        MONEY, "payments/test_story.py::test_killed_between_the_call_and_its_record_it_is_sent_once",
    ),
    **dict.fromkeys((
        "stripe_checkout", "stripe_customer", "stripe_invoice_void", "stripe_payment_link",
        "stripe_refund", "stripe_subscription_start", "stripe_subscription_change", "stripe_tier",
    ), (MONEY, PAID)),
    "x_publish": (
        POSTED,
        "social/test_x_whole.py::test_killed_while_x_works_the_post_is_there_once",
    ),
    "facebook_publish": (POSTED, PUT),
    "instagram_publish": (
        POSTED,
        "social/test_meta_whole.py::"
        "test_killed_between_container_and_publishing_a_picture_is_there_once",
    ),
    "threads_publish": (
        POSTED,
        "social/test_meta_whole.py::test_killed_while_threads_works_the_post_is_there_once",
    ),
    "linkedin_publish": (
        POSTED,
        "social/test_boards_whole.py::"
        "test_linkedin_killed_while_it_works_asks_who_can_look_and_posts_once",
    ),
    "pinterest_publish": (
        POSTED, "social/test_boards_whole.py::test_pinterest_pins_a_file_that_was_sent_in",
    ),
    "tiktok_publish": (
        POSTED,
        "social/test_kills.py::"
        "test_photos_on_tiktok_that_were_begun_before_a_kill_are_asked_about",
    ),
    "reddit_publish": (
        POSTED, PUT,
    ),
    "tumblr_publish": (
        POSTED,
        "social/test_blogs_whole.py::test_killed_while_tumblr_works_the_post_is_there_once",
    ),
    **{
        f"{each}_delete": (DOWN, TAKEN)
        for each in ("x", "facebook", "linkedin", "pinterest", "reddit", "threads", "tumblr")
    },
    "blog_publish": (
        "social/test_blog_sites.py::test_a_refusal_is_told_and_nothing_was_done",
        "social/test_blogs_whole.py::"
        "test_the_blog_moves_to_a_site_and_a_kill_makes_no_second_post",
    ),
    "blog_delete": (
        "social/test_blog_sites.py::"
        "test_a_deletion_that_is_refused_leaves_the_post_and_says_why",
        "social/test_kills.py::test_a_post_of_the_blog_is_taken_down_once_through_a_kill",
    ),
}  # fmt: skip


def complaints(tools: Mapping[str, Tool], shown: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """What is not shown of which tool."""
    writing = {
        name
        for name, tool in tools.items()
        if tool.risk is not Risk.READ and not tool.spread and not tool.by_hand
    }
    yield from (f"{name} has neither faults nor a kill" for name in sorted(writing - set(shown)))
    yield from (f"{name} is no tool that writes" for name in sorted(set(shown) - writing))
    for name in sorted(writing & set(shown)):
        for node in shown[name]:
            where, _, test = node.partition("::")
            if test not in declared_in((ROOT / where).resolve()):
                yield f"{name}: there is no {node}"
        story = (ROOT / shown[name][1].partition("::")[0]).resolve()
        if story.is_file() and not _KILLS.search(story.read_text(encoding="utf-8")):
            yield f"{name}: nobody is killed in {story.name}"


def test_every_tool_that_writes_has_its_faults_and_its_kill() -> None:
    assert list(complaints(registry.load(), SHOWN)) == []


def test_each_way_of_sending_words_stands_in_their_table() -> None:
    wanted = {name for name, (faults, _) in SHOWN.items() if faults == MESSAGES}
    assert {name.partition("-")[0] for name in ROWS} == wanted


@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("nothing", {}),
        ("a test that is not there", {"pay": (MONEY, "payments/test_story.py::test_nothing")}),
        ("no kill", {"pay": (MONEY, MONEY)}),
        ("a tool that is not there", {"pay": (MONEY, PAID), "gone": (MONEY, PAID)}),
    ],
)
def test_what_lacks_is_complained_of(what: str, shown: Mapping[str, tuple[str, str]]) -> None:
    pay = tools_of(Vendor())["pay"]
    assert list(complaints({"pay": pay}, {"pay": (MONEY, PAID)})) == []
    assert list(complaints({"pay": pay}, shown)), what


def test_what_only_reads_or_does_nothing_itself_needs_none() -> None:
    pay = tools_of(Vendor())["pay"]
    assert pay.policy is not Policy.NONE
    for other in (replace(pay, risk=Risk.READ), replace(pay, by_hand=True)):
        assert list(complaints({"pay": other}, {})) == []
