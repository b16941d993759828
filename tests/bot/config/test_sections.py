"""What a section of the settings refuses, with its place and its mend."""

from pathlib import Path

import pytest

from bot.config.mistakes import Mistaken
from bot.settings import home_of, load

# Each row: what is wrong, the file, what must be said.
MISTAKES = [
    ("a number for the home folder", "home = 7", "1:1: home: 7 is not text in quotes"),
    (
        "a folder with a byte that no name holds",
        'home = "a\\u0000b"',
        "1:1: home: No folder is called so: there is a zero byte in it. Take it out.",
    ),
    (
        "another folder with such a byte",
        'agents_dir = "\\u0000"',
        "1:1: agents_dir: No folder is called so",
    ),
    (
        "a blog's folder with such a byte",
        '[blog]\nfolder = "a\\u0000b"',
        "2:1: blog.folder: No folder is called so",
    ),
    (
        "a folder of a user who is not there",
        'files_dir = "~nobody-at-all/x"',
        "1:1: files_dir: The user behind ~ is not known here. Write the folder in full.",
    ),
    (
        "a blog's folder of a user who is not there",
        '[blog]\nfolder = "~nobody-at-all/x"',
        "2:1: blog.folder: The user behind ~ is not known here.",
    ),
    (
        "a budget without an end",
        "[budget]\ntenant_day_usd = 1e400",
        "2:1: budget.tenant_day_usd: Infinity is not a number above 0",
    ),
    (
        "a word for a number that may be left out",
        '[budget]\nperson_day_usd = "many"',
        '2:1: budget.person_day_usd: "many" is not a number above 0.',
    ),
    (
        "an address of Teams that is none",
        '[workflow]\nteams_url = "x"',
        "2:1: workflow.teams_url: It is not a web address. Write https://host",
    ),
    (
        "a secret that signs no post",
        '[blog]\nwebhook_secret = "x"',
        "2:1: blog.webhook_secret: It does not begin with whsec_. Copy the whole of it.",
    ),
    (
        "a secret that signs nothing at Stripe",
        '[payments]\nstripe_webhook_secret = "x"',
        "2:1: payments.stripe_webhook_secret: It does not begin with whsec_. Copy the whole of it.",
    ),
    (
        "a key for pages, where money moves",
        '[payments]\nstripe_key = "pk_live_1"',
        "2:1: payments.stripe_key: It does not begin with sk_ or rk_. Copy the whole of it.",
    ),
]


@pytest.mark.parametrize("text, said", [row[1:] for row in MISTAKES], ids=[r[0] for r in MISTAKES])
def test_a_mistake_is_named_with_its_place_and_its_mend(
    text: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(text)
    with pytest.raises(Mistaken) as refused:
        load(str(file), {})
    assert str(refused.value).startswith(f"{file}:{said}")


@pytest.mark.parametrize("text", ["home = 7", 'home = "a\\u0000b"', 'home = "~nobody-at-all/x"'])
def test_a_home_that_is_none_leaves_the_usual_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(text)
    found = home_of(str(tmp_path / "bot.toml"), {})
    assert found == Path("~/.switchboard").expanduser()


def test_a_link_that_is_set_as_the_blogs_folder_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "posts").symlink_to(tmp_path / "site")
    (tmp_path / "bot.toml").write_text('[blog]\nfolder = "posts"\n')
    assert load(str(tmp_path / "bot.toml"), {}).blog.folder == tmp_path / "site"


def test_a_blogs_folder_that_leads_to_itself_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "posts").symlink_to(tmp_path / "posts")
    (tmp_path / "bot.toml").write_text('[blog]\nfolder = "posts"\n')
    assert load(str(tmp_path / "bot.toml"), {}).blog.folder == tmp_path / "posts"
