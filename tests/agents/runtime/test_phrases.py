"""The grammar of the offline model: what it understands, and that it guesses nothing."""

import pytest

from agents.runtime.phrases import Want, Wish, understand


def understood(text: str) -> Wish:
    """The wish of a sentence that must be understood."""
    wish = understand(text)
    assert wish is not None, text
    return wish


@pytest.mark.parametrize(
    ("text", "said", "networks"),
    [
        ("publish 'We are open on Sunday' on the blog", "We are open on Sunday", ("blog",)),
        ('publish "We are open" on x', "We are open", ("x",)),
        (
            "Please post “It's us” on X, Facebook and the blog!",
            "It's us",
            ("x", "facebook", "blog"),
        ),
        ("could you share «Bonjour» to our blog", "Bonjour", ("blog",)),
        ("post We're open on Sunday on twitter", "We're open on Sunday", ("x",)),
        ("publish We are open on Sunday on the blog.", "We are open on Sunday", ("blog",)),
        ("publish on linkedin: We are hiring", "We are hiring", ("linkedin",)),
        ("publish everywhere: Big news: we moved", "Big news: we moved", ("everywhere",)),
        ("publish “Hi” everywhere", "Hi", ("everywhere",)),
        ("tweet Good morning", "Good morning", ("x",)),
        ("post 'He said \"no\" to me' on threads", 'He said "no" to me', ("threads",)),
        ("publish “a” on r/bread", "a", ("reddit",)),
        ("publish “two\nlines” on tumblr", "two\nlines", ("tumblr",)),
        ("publish hello", "hello", ()),
        ("publish “a” on myspace", "“a” on myspace", ()),
    ],
)
def test_publish(text: str, said: str, networks: tuple[str, ...]) -> None:
    wish = understood(text)
    assert (wish.want, wish.values["text"], wish.networks) == (Want.PUBLISH, said, networks)


def test_publish_with_a_picture_or_a_link() -> None:
    wish = understood("post “Bread” on instagram with https://example.org/a.jpg")
    assert (wish.values["url"], wish.networks) == ("https://example.org/a.jpg", ("instagram",))
    assert understood("publish “a” on r/bread").values["subreddit"] == "r/bread"


@pytest.mark.parametrize(
    ("text", "when", "what"),
    [
        ("remind me to stretch every weekday at 9", "every weekday at 9", "Remind me: stretch"),
        ("remind me every weekday at 9 to stretch", "every weekday at 9", "Remind me: stretch"),
        ("remind me tomorrow at 8 to call Ann", "tomorrow at 8", "Remind me: call Ann"),
        ("Remind us in 20 minutes about the oven", "in 20 minutes", "Remind me: about the oven"),
        ("remind me to pay on 3 march at noon", "on 3 march at noon", "Remind me: pay"),
        ("remind me to post on the blog tomorrow", "tomorrow", "Remind me: post on the blog"),
        ("every weekday at 9 check the orders", "every weekday at 9", "check the orders"),
        ("every monday at 14:30: publish “Hi” on x", "every monday at 14:30", "publish “Hi” on x"),
        ("tomorrow at 8 publish “Hi” on x", "tomorrow at 8", "publish “Hi” on x"),
        ("remind me to stretch", "", "Remind me: stretch"),
        ("remind me tomorrow at 8", "tomorrow at 8", ""),
        ("tomorrow at 8 remind me to call Ann", "tomorrow at 8", "Remind me: call Ann"),
        ("every monday at 9 remind me to rest", "every monday at 9", "Remind me: rest"),
        ("each friday, please remind us to pay", "each friday", "Remind me: pay"),
        ("monday at 9 remind me to call", "monday at 9", "Remind me: call"),
        ("remind me next monday at 9 to call", "next monday at 9", "Remind me: call"),
        ("remind me in half an hour to stretch", "in half an hour", "Remind me: stretch"),
        ("remind me to call Ann in two days", "in two days", "Remind me: call Ann"),
        ("can you remind me tomorrow to call at 8?", "tomorrow at 8", "Remind me: call"),
        ("set a reminder for tomorrow at 8 to call", "tomorrow at 8", "Remind me: call"),
        ("set a reminder to call tomorrow at 8", "tomorrow at 8", "Remind me: call"),
        ("remind me: call Ann tomorrow at 8", "tomorrow at 8", "Remind me: call Ann"),
        ("remind me tomorrow a friend comes", "tomorrow", "Remind me: a friend comes"),
    ],
)
def test_remind(text: str, when: str, what: str) -> None:
    wish = understood(text)
    assert (wish.want, wish.values) == (Want.REMIND, {"when": when, "text": what})


@pytest.mark.parametrize(
    ("text", "amount", "currency", "customer", "what"),
    [
        ("invoice Acme 120 EUR for two workshops", "120", "EUR", "Acme", "two workshops"),
        (
            "Invoice Acme Inc. €1,200.50 for consulting.",
            "1,200.50",
            "EUR",
            "Acme Inc.",
            "consulting",
        ),
        ("invoice Ann Lee for 30 usd", "30", "USD", "Ann Lee", "Services"),
    ],
)
def test_invoice(text: str, amount: str, currency: str, customer: str, what: str) -> None:
    values = understood(text).values
    assert values == {"amount": amount, "currency": currency, "customer": customer, "text": what}


@pytest.mark.parametrize(
    ("text", "want", "values"),
    [
        ("remember that we close at 6", Want.REMEMBER, {"text": "we close at 6"}),
        ("what do you remember?", Want.RECALL, {}),
        ("What do you know about Ann Lee?", Want.RECALL, {"query": "Ann Lee"}),
        ("forget that we close at 6", Want.FORGET, {"text": "we close at 6"}),
        ("read https://example.org/a?b=c", Want.READ, {"url": "https://example.org/a?b=c"}),
        ("summarise <https://example.org>", Want.READ, {"url": "https://example.org"}),
        ("hand over to donna", Want.HAND_OVER, {"agent": "donna"}),
        ("let me talk to @Kelly.", Want.HAND_OVER, {"agent": "Kelly"}),
        ("show my reminders", Want.AGENDA, {}),
        ("notify me: the report is ready", Want.NOTIFY, {"text": "the report is ready"}),
        ("ping me that we close", Want.NOTIFY, {"text": "we close"}),
        ("Alert me on Telegram: go", Want.NOTIFY, {"text": "go"}),
        ("show the VIS score", Want.SHOW_SCORE, {}),
        ("set the VIS score to 87: counted", Want.SCORE, {"value": "87", "reason": "counted"}),
        ("help", Want.HELP, {}),
        ("Hello!", Want.HELP, {}),
        ("What can you do?", Want.HELP, {}),
    ],
)
def test_the_simple_ones(text: str, want: Want, values: dict[str, str]) -> None:
    assert understood(text) == Wish(want=want, values=values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what is the weather",
        "on friday we are closed",
        "tomorrow I am away",
        "monday is my day off",
        "this is nice",
        "next to nothing",
        "I would like to publish a book one day",
        "hello, can you write a poem about the sea for me?",
        "read the manual",
        "the invoice is wrong",
        "in my opinion 9 is better",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert understand(text) is None


@pytest.mark.parametrize("text", ["publish " * 4000, "“" * 9000, "every " * 5000, "x on " * 5000])
def test_a_very_long_sentence_is_no_burden(text: str) -> None:
    understand(text)
    understand(f"publish {text}")
    understand(f"remind me to {text}")


def test_whom_it_is_for_and_a_board_are_understood() -> None:
    wish = understood("@kelly, please publish “a” on the board Rye Bread")
    assert (wish.networks, wish.values) == (("pinterest",), {"text": "a", "board": "Rye Bread"})
    both = understood("publish “a” on x and the board Bread")
    assert both.networks == ("x", "pinterest") and both.values["board"] == "Bread"
