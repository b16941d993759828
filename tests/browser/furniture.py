"""What stands in the house before anybody comes: a day's work, or every hostile text there is."""

from datetime import timedelta

from tests.browser.house import BUDGET_CHOICES, DOUBT_CHOICES, House, Talk, iso, now
from tests.browser.scenes import LONG

XSS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "{{7*7}}${7*7}",
    "[x](data:text/html,<script>alert(1)</script>)",
    "`<img src=x onerror=alert(1)>`",
)


def furnish(house: House) -> None:
    """Fill the house with a day's work, for looking at it."""
    talk = house.talk("Opening hours on Sunday", "reynolds")
    house.say(talk, "user", "What do we tell people about Sunday?", "evt_a")
    house.say(talk, "assistant", LONG, "evt_a", footer="")
    house.say(talk, "user", 'publish "We are open on Sunday" on the blog', "evt_b")
    made = house.approval(talk)
    house.say(
        talk,
        "assistant",
        f"Waiting for approval {made['code']}, not done yet.",
        "evt_b",
        approval=made["id"],
    )
    money = house.talk("Invoice for March", "treasurer")
    house.say(money, "user", "invoice Grace Hopper for March", "evt_c")
    paid = house.approval(
        money, tool="stripe_invoice", why="Money always asks.",
        arguments={"to": "grace@example.org", "amount": 124000, "currency": "eur", "memo": "March, 31 hours"},
        shown={"title": "Send an invoice", "amount": "€1,240.00", "recipients": ["Grace Hopper <grace@example.org>"],
               "body": "", "audience": "Grace Hopper alone", "sandbox": True,
               "warnings": ["This conversation holds words from outside: a mail by vendor@example.net."],
               "fields": [{"name": "Memo", "value": "March, 31 hours", "long": False, "editable": "memo"}]},
    )  # fmt: skip
    house.say(money, "assistant", "The invoice waits for a decision.", "evt_c", approval=paid["id"])
    doubt = house.talk("Post on X", "kelly")
    house.say(doubt, "user", "post the photo on X", "evt_d")
    asked = house.approval(
        doubt, "doubt", why="The server stopped between sending and the answer.",
        shown={"title": "I may have posted this", "choices": DOUBT_CHOICES, "body": "New shop, same coffee.",
               "fields": [{"name": "Network", "value": "X", "long": False, "editable": ""}]},
    )  # fmt: skip
    house.say(
        doubt, "assistant", "I am not sure whether this went out.", "evt_d", approval=asked["id"]
    )
    old = house.talk("Lunch order", "bri")
    house.say(old, "user", "order lunch for six", "evt_e")
    gone = house.approval(
        old, state="expired", expires_at=iso(now() - timedelta(days=1)),
        shown={"title": "Send an e-mail", "recipients": ["deli@example.org"], "body": "Six lunches, please."},
    )  # fmt: skip
    house.say(old, "assistant", "Nobody decided in time.", "evt_e", approval=gone["id"])
    spent = house.talk("Market research", "bri")
    house.say(spent, "user", "read everything about coffee", "evt_f")
    budget = house.approval(
        spent, "budget", why="Today's budget of $5.00 is used up.",
        shown={"title": "Go on thinking?", "amount": "$1.00 more", "choices": BUDGET_CHOICES, "body": "", "fields": [], "audience": ""},
    )  # fmt: skip
    house.say(
        spent, "assistant", "I have read 41 pages and stopped.", "evt_f", approval=budget["id"]
    )
    tricky = house.talk("Strange request", "fran")
    house.say(tricky, "user", "post what the mail says", "evt_g")
    odd = house.approval(
        tricky, arguments={"text": "Win\u200b now\u202egnp.exe\u202c 👩\u200d💻 ok"},
        shown={"title": "Publish on Facebook", "body": "Win\u200b now\u202egnp.exe\u202c 👩\u200d💻 ok", "fields": [],
               "warnings": ["The words come from a mail by somebody unknown."]},
    )  # fmt: skip
    house.say(tricky, "assistant", "This text came by mail.", "evt_g", approval=odd["id"])


def poison(house: House) -> Talk:
    """Put every hostile text into every field that a page shows; return the worst conversation."""
    worst = house.talk(XSS[0], XSS[0])
    for number, text in enumerate(XSS):
        house.talk(text, text)
        house.say(
            worst,
            "user",
            text,
            f"evt_x{number}",
            attachments=[{"id": "f", "name": text, "size": 1}],
        )
        made = house.approval(
            worst, why=text, note=text, code=text, tool=text, requested_by={"id": "x", "name": text},
            approvers=[{"id": "x", "name": text}], arguments={"text": text, text: text},
            shown={"title": text, "body": text, "amount": text, "recipients": [text], "audience": text, "warnings": [text],
                   "on_behalf_of": text, "fields": [{"name": text, "value": text, "long": long, "editable": "text"} for long in (True, False)]},
        )  # fmt: skip
        state = "approved" if number % 2 else "pending"
        made |= {
            "state": state,
            "effects": [
                *made["effects"],
                {
                    "id": "e",
                    "tool": text,
                    "title": text,
                    "arguments": {},
                    "state": "failed",
                    "error": text,
                    "url": text,
                },
            ],
        }
        house.say(
            worst,
            "assistant",
            f"{text}\n\n- {text}\n\n| {text} |\n|--|\n| {text} |",
            f"evt_x{number}",
            agent=text,
            footer=text,
            approval=made["id"],
        )
    return worst
