"""Publishing on the blog: as a file, as a webhook; once, twice, and with a crash in between."""

import os
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import yaml

from bot.core.effect import EffectState, Policy
from bot.core.errors import OperatorError, SettingsError, VendorRefused, VendorUnknown
from bot.core.ports import House, Page
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.infra.clock import SystemClock
from bot.web import blog as reader
from tests.tools.kit import FakeFetcher, context, effect, house, lines, refusal
from tools.social import _article
from tools.social._article import sweep
from tools.social._blog_settings import BlogSettings
from tools.social.blog import TOOLS, BlogPost, blog_publish, complete, find, preview, rests_on

TOOL = TOOLS[0]
POST = BlogPost(title="Open on Sunday", text="We are open.\n\nCome in.", tags=["news"])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = SystemClock().now()
HOOK = BlogSettings(webhook_url="https://example.org/hook", webhook_secret=Secret(SECRET))


def at(folder: Path, **changes: object) -> ToolContext:
    """A context whose blog is a folder."""
    return context(None, **{"settings": BlogSettings(folder=folder), **changes})


def names(folder: Path) -> list[str]:
    """Every file in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_post_becomes_a_page_that_the_blog_shows(tmp_path: Path) -> None:
    outcome = await blog_publish(at(tmp_path / "new" / "blog"), POST)
    assert outcome.state is EffectState.SENT
    name = outcome.url.removeprefix("/blog/")
    assert name.startswith("open-on-sunday-")
    shown = reader.read(tmp_path / "new" / "blog", name)
    assert shown and (shown.title, shown.text) == (POST.title, POST.text)


async def test_a_post_has_the_address_at_which_others_reach_it(tmp_path: Path) -> None:
    there = BlogSettings(folder=tmp_path, address="https://bot.example/house")
    outcome = await blog_publish(at(tmp_path, settings=there), POST)
    assert outcome.url == f"https://bot.example/house/blog/{outcome.vendor_ref}"
    sent = effect(TOOL, POST.model_dump())
    assert await find(at(tmp_path, settings=there), sent) == outcome


async def test_the_same_key_never_makes_a_second_post(tmp_path: Path) -> None:
    first = await blog_publish(at(tmp_path), POST)
    renamed = POST.model_copy(update={"title": "Another title"})
    assert await blog_publish(at(tmp_path), renamed) == first
    assert len(names(tmp_path)) == 1
    await blog_publish(at(tmp_path, key="eff_2"), POST)
    assert len(names(tmp_path)) == 2, "another deed with the same words is another post"


async def test_what_a_killed_process_left_half_written_is_swept(
    tmp_path: Path, monkeypatch
) -> None:
    def killed(number: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / ".theirs.tmp").touch()
    monkeypatch.setattr(os, "fsync", killed)  # the one place where a post is half written
    with pytest.raises(KeyboardInterrupt):
        _article.write(tmp_path, _article.Article(title="A", text="b", tags=(), key="k", at=NOW))
    monkeypatch.undo()
    assert len(names(tmp_path)) == 2
    sweep(tmp_path)
    assert names(tmp_path) == [".theirs.tmp"]
    sweep(tmp_path / "nowhere")


async def test_a_post_that_somebody_edited_is_not_overwritten(tmp_path: Path) -> None:
    outcome = await blog_publish(at(tmp_path), POST)
    path = tmp_path / f"{outcome.vendor_ref}.md"
    path.write_text("edited by hand")
    await blog_publish(at(tmp_path), POST)
    assert path.read_text() == "edited by hand"


async def test_after_a_crash_it_is_found_and_not_posted_again(tmp_path: Path) -> None:
    assert await find(at(tmp_path), effect(TOOL, POST.model_dump())) is None
    done = await blog_publish(at(tmp_path), POST)
    assert await find(at(tmp_path), effect(TOOL, POST.model_dump())) == done
    assert await find(at(tmp_path / "gone"), effect(TOOL, POST.model_dump())) is None


@pytest.mark.parametrize("step", ["_stored", "_place", "_sync"])
async def test_a_crash_at_any_step_leaves_one_whole_post_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(_article, step)

    class Crash(BaseException):
        """The process dies here."""

    def die(*args: object) -> None:
        real(*args)
        raise Crash

    with monkeypatch.context() as patched:  # the only way to die between two lines
        patched.setattr(_article, step, die)
        with pytest.raises(Crash):
            _article.write(tmp_path, article())
    there = [name for name in names(tmp_path) if name.endswith(".md")]
    assert bool(_article.find(tmp_path, "eff_1")) == bool(there)
    again = await blog_publish(at(tmp_path), BlogPost(title="Open", text="We are open."))
    assert len([name for name in names(tmp_path) if name.endswith(".md")]) == 1
    shown = reader.read(tmp_path, again.vendor_ref)
    assert shown and shown.text == "We are open."


def article(**changes: object) -> _article.Article:
    """A small post."""
    given = {"title": "Open", "text": "We are open.", "tags": (), "key": "eff_1"} | changes
    return _article.Article(at=context().clock.now(), **given)  # type: ignore[arg-type]


def test_a_file_system_without_links_still_takes_a_post_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)  # a file system that cannot be had in a test
    name = _article.write(tmp_path, article())
    assert names(tmp_path) == [f"{name}.md"]


def test_two_attempts_at_the_same_moment_make_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    for text in ("first", "second"):
        _article._place(_article._stored(tmp_path, text), target)
    assert target.read_text() == "first"


async def test_a_link_is_not_written_through_and_nobody_is_asked_about_it(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    blog = tmp_path / "blog"
    blog.symlink_to(tmp_path / "elsewhere")
    for step in (blog_publish, complete):
        with pytest.raises(SettingsError, match="is a link to another place"):
            await step(at(blog), POST)
    (tmp_path / "elsewhere" / f"{_article.HALF}x.tmp").write_text("somebody else's")
    _article.sweep(blog)
    assert names(tmp_path / "elsewhere") == [f"{_article.HALF}x.tmp"]
    folder = tmp_path / "real"
    folder.mkdir()
    linked = folder / f"{_article.slug(POST.title)}-{_article.mark('eff_9')}.md"
    linked.symlink_to(tmp_path / "secret.md")
    with pytest.raises(SettingsError, match="is a link to another place"):
        await blog_publish(at(folder, key="eff_9"), POST)
    assert not (tmp_path / "secret.md").exists()


async def test_a_folder_that_takes_nothing_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "blog").write_text("a file where the folder should be")
    with pytest.raises(SettingsError, match="Cannot write into"):
        await blog_publish(at(tmp_path / "blog"), POST)


async def test_a_failure_after_the_name_was_given_is_in_doubt_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise OSError(5, "the disk is gone")

    monkeypatch.setattr(_article, "_sync", fail)  # a disk that fails just then
    with pytest.raises(VendorUnknown, match="the disk is gone"):
        await blog_publish(at(tmp_path), POST)
    assert await find(at(tmp_path), effect(TOOL, {}))


@pytest.mark.parametrize(
    ("title", "start"),
    [
        ("../../etc/passwd", "etc-passwd-"),
        ("..", "post-"),
        ("/.ssh/authorized_keys", "ssh-authorized-keys-"),
        ("C:\\Windows\\win.ini", "c-windows-win-ini-"),
        ("Überraschung: Café!", "uberraschung-cafe-"),
        ("日本", "post-"),
        ("a" * 200, "a" * 60 + "-"),
        ("con.md.html", "con-md-html-"),
        ("--- title: x", "title-x-"),
    ],
)
async def test_a_title_never_leaves_the_folder(tmp_path: Path, title: str, start: str) -> None:
    folder = tmp_path / "blog"
    outcome = await blog_publish(at(folder), BlogPost(title=title, text="a"))
    assert outcome.vendor_ref.startswith(start)
    assert names(tmp_path) == ["blog"]
    assert names(folder) == [f"{outcome.vendor_ref}.md"]
    assert reader.read(folder, outcome.vendor_ref)


@pytest.mark.parametrize(
    "title",
    ["Plain", 'It\'s "quoted"', 'Say "hi" now', "a: b # c", "{x}", "back\\slash", "- a", "'"],
)
def test_front_matter_is_yaml_whatever_the_title(title: str) -> None:
    text = _article.document(article(title=title, tags=["a: b", 'say "x"']))
    front = yaml.safe_load(text.split("---\n")[1])
    assert (front["title"], front["tags"]) == (title, ["a: b", 'say "x"'])
    assert front["effect"] == "eff_1"


def test_text_that_looks_like_front_matter_stays_text(tmp_path: Path) -> None:
    name = _article.write(tmp_path, article(text="---\ntitle: forged\n---\nx"))
    shown = reader.read(tmp_path, name)
    assert shown and shown.title == "Open"
    assert shown.text.startswith("---")


def test_what_is_no_post_is_refused() -> None:
    assert "one line" in refusal(BlogPost, title="a\r\ntitle: b", text="c")
    assert "needs a title" in refusal(BlogPost, title=" ", text="c")
    assert "at most 200" in refusal(BlogPost, title="a" * 201, text="c")
    assert "nothing to publish" in refusal(BlogPost, title="a", text=" \n")
    assert "at most 100000" in refusal(BlogPost, title="a", text="b" * 10**6)
    assert "one line" in refusal(BlogPost, title="a", text="b", tags=["x\ny"])
    assert "Extra" in refusal(BlogPost, title="a", text="b", draft=True)


def test_the_card_shows_the_whole_text() -> None:
    card = preview(BlogPost(title="Long", text="word " * 10_000, tags=["news"]))
    assert card.body == ("word " * 10_000).strip()
    assert lines(card)["Title"] == "Long"
    assert lines(card)["Length"] == "49999 of 100000"
    assert {line.editable for line in card.fields} == {"title", "text", "tags", ""}


# By webhook.


def answering(*answers: Page | Exception) -> tuple[House, FakeFetcher]:
    """A house whose fetcher gives these answers."""
    lent = house()
    assert isinstance(lent.fetcher, FakeFetcher)
    lent.fetcher.answers.extend(answers)
    return lent, lent.fetcher


def page(status: int, body: bytes = b"") -> Page:
    """What the receiver says."""
    return Page(url=HOOK.webhook_url, status=status, media_type="application/json", body=body)


async def test_a_webhook_is_signed_and_carries_the_key() -> None:
    judge = pytest.importorskip("standardwebhooks")
    lent, fetcher = answering(page(201, b'{"url": "https://example.org/open"}'))
    outcome = await blog_publish(context(lent, settings=HOOK, clock=SystemClock()), POST)
    assert (outcome.state, outcome.url) == (EffectState.SENT, "https://example.org/open")
    (asked,) = fetcher.asked
    assert (asked.url, asked.method) == ("https://example.org/hook", "POST")
    assert asked.headers["webhook-id"] == "eff_1"
    assert asked.body
    receiver = judge.Webhook(SECRET)
    with pytest.raises(judge.WebhookVerificationError):
        receiver.verify(asked.body + b" ", dict(asked.headers))
    assert receiver.verify(asked.body, dict(asked.headers))["data"] == {
        "title": "Open on Sunday",
        "text": "We are open.\n\nCome in.",
        "tags": ["news"],
    }


async def test_sent_twice_it_is_the_same_message_to_the_receiver() -> None:
    lent, fetcher = answering(VendorUnknown("no answer"), page(200))
    ctx = context(lent, settings=HOOK)
    with pytest.raises(VendorUnknown):
        await blog_publish(ctx, POST)
    await blog_publish(ctx, POST)
    first, second = fetcher.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_what_goes_by_webhook_rests_on_its_key_for_a_day_and_is_not_looked_up() -> None:
    ctx = context(answering()[0], settings=HOOK)
    assert rests_on(ctx, POST) == (Policy.KEYED, 24 * 3600)
    on_site = POST.model_copy(update={"site": "WordPress: A (https://a.example), by a"})
    assert rests_on(ctx, on_site) == rests_on(context(), POST) == (Policy.READBACK, 0)
    with pytest.raises(VendorUnknown, match="does not say"):
        await find(ctx, effect(TOOL, {}, started_at=ctx.clock.now()))


@pytest.mark.parametrize("status", [301, 307, 308, 400, 401, 404, 410])
async def test_a_refusal_is_definite(status: int) -> None:
    lent, _ = answering(page(status))
    with pytest.raises(VendorRefused, match=f"{status}.*nothing was published") as caught:
        await blog_publish(context(lent, settings=HOOK), POST)
    assert caught.value.retry_after_s is None
    assert ("webhook_url" in str(caught.value)) is (status < 400)


@pytest.mark.parametrize(
    ("status", "told", "seconds"),
    [
        (429, None, 60),
        (429, "7", 7),
        (429, "0", 1),
        (429, "999999999", 3600),
        (429, "\u0667", 7),
        (429, "soon", 60),
        (429, "Fri, 99 Nov 2026 12:00:00 GMT", 60),
        (503, "120", 120),
    ],
)
async def test_a_pause_that_the_receiver_asks_for_is_kept(
    status: int, told: str | None, seconds: float
) -> None:
    headers = {"retry-after": told} if told else {}
    lent, _ = answering(replace(page(status), headers=headers))
    with pytest.raises(VendorRefused) as caught:
        await blog_publish(context(lent, settings=HOOK), POST)
    assert caught.value.retry_after_s == seconds


async def test_a_pause_may_be_told_as_a_date() -> None:
    ctx = context(settings=HOOK)
    date = format_datetime(ctx.clock.now() + timedelta(seconds=90), usegmt=True)
    lent, _ = answering(replace(page(503), headers={"retry-after": date}))
    with pytest.raises(VendorRefused) as caught:
        await blog_publish(replace(ctx, house=lent), POST)
    assert caught.value.retry_after_s == pytest.approx(90, abs=1)


@pytest.mark.parametrize("status", [302, 303, 304, 500, 502, 503])
async def test_a_fault_of_the_receiver_is_in_doubt_and_so_is_a_redirect_after_the_deed(
    status: int,
) -> None:
    lent, _ = answering(page(status))
    with pytest.raises(VendorUnknown, match=str(status)) as caught:
        await blog_publish(context(lent, settings=HOOK), POST)
    assert ("webhook_url" in str(caught.value)) is (status < 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[1]",
        b'{"url": "javascript:x"}',
        b'{"url": 3}',
        b"\xff",
        b'{"url": "https://a b"}',
    ],
)
async def test_a_strange_answer_is_no_address(body: bytes) -> None:
    lent, _ = answering(page(200, body))
    assert (await blog_publish(context(lent, settings=HOOK), POST)).url == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (None, "No blog is set up"),
        (BlogSettings(), "No blog is set up"),
        (
            BlogSettings(
                folder=Path("blog"), webhook_url="https://e.org", webhook_secret=Secret(SECRET)
            ),
            "leave one of them out",
        ),
        (BlogSettings(webhook_url="https://example.org"), "needs webhook_secret"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(settings: object, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        await blog_publish(context(settings=settings), POST)


async def test_the_folder_of_the_settings_takes_no_post_of_another_tenant(tmp_path: Path) -> None:
    theirs = at(tmp_path, settings=BlogSettings(folder=tmp_path, home="ten_first"))
    for step in (complete, blog_publish):
        with pytest.raises(OperatorError, match="bot connect wordpress"):
            await step(theirs, POST)
    assert names(tmp_path) == []
    mine = replace(theirs, settings=BlogSettings(folder=tmp_path, home=theirs.tenant))
    await blog_publish(mine, await complete(mine, POST))
    assert len(names(tmp_path)) == 1


async def test_without_a_key_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="key"):
        await blog_publish(at(tmp_path, key=""), POST)
    assert names(tmp_path) == []
