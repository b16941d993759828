"""What stands at the played Stripe: customers, invoices, refunds, links, and what each may become.

Written from the published description and its sample objects. A thing is a sample with what the
request said laid over it. `Refused` is what Stripe would answer.
"""

import copy
import itertools
import time
from typing import Any

from tests.fakes.openapi import Body
from tests.published import document

SAMPLE = {
    "cus": "customer",
    "in": "invoice",
    "ii": "invoiceitem",
    "re": "refund",
    "pi": "payment_intent",
    "plink": "payment_link",
    "price": "price",
    "prod": "product",
    "sub": "subscription",
    "si": "subscription_item",
    "cs": "checkout.session",
    "evt": "event",
    "inpay": "invoice_payment",
}


class Refused(Exception):
    """Stripe's own no."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error", **more: str):
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **more}}


class World:
    """One account in test mode."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Body]] = {prefix: {} for prefix in SAMPLE}
        self.mailed: list[str] = []
        """Invoices that were mailed, once for each mail."""
        self.unsearchable: set[str] = set()
        """Ids that a search does not find yet."""
        self._count = itertools.count(1)
        self._samples = (document("stripe-fixtures.json") or {}).get("resources", {})

    def make(self, prefix: str, **told: Any) -> Body:
        """A new thing, from a sample."""
        made = copy.deepcopy(self._samples.get(SAMPLE[prefix], {"object": SAMPLE[prefix]}))
        made.pop("last_finalization_error", None)
        made |= {"id": f"{prefix}_{next(self._count):06d}", "created": int(time.time())}
        made |= {"metadata": {}, "livemode": False} | told
        self.things[prefix][made["id"]] = made
        return made

    def get(self, prefix: str, id_: str) -> Body:
        """A thing by its id. Raises Refused."""
        found = self.things[prefix].get(id_)
        if found is None:
            raise Refused(404, f"No such {SAMPLE[prefix]}: '{id_}'", code="resource_missing")
        return found

    def listed(self, prefix: str, query: dict[str, str]) -> list[Body]:
        """Newest first, those that fit the query."""
        found = reversed(self.things[prefix].values())
        plain = {name: value for name, value in query.items() if "[" not in name}
        for name in ("limit", "starting_after", "ending_before"):
            plain.pop(name, None)
        since = int(query.get("created[gte]", "0"))
        return [
            item
            for item in found
            if item["created"] >= since
            and all(_is_of(item, name, value) for name, value in plain.items())
        ]

    def tell(self, kind: str, thing: Body) -> Body:
        """An event, as it is then fetched and sent."""
        return self.make("evt", type=kind, data={"object": copy.deepcopy(thing)})

    # --- what a request does -------------------------------------------------------------------

    def customer(self, form: Body) -> Body:
        """Any name, any address, as often as one likes."""
        return self.make("cus", **{"email": None, "name": None, **form})

    def recustomer(self, id_: str, form: Body) -> Body:
        """What is said of one that is there; what is inside an object is filled in."""
        customer = self.get("cus", id_)
        for name, value in form.items():
            inner = isinstance(value, dict) and isinstance(customer.get(name), dict)
            customer[name] = {**customer[name], **value} if inner else value
        return customer

    def invoice(self, form: Body) -> Body:
        """A draft."""
        customer = self.get("cus", form.get("customer", ""))
        if form.get("collection_method") == "send_invoice" and not (
            "days_until_due" in form or "due_date" in form
        ):
            raise Refused(400, "You must pass days_until_due or due_date.")
        told = {name: value for name, value in form.items() if name in _OF_INVOICE}
        return self.make(
            "in",
            **told,
            status="draft",
            number=None,
            total=0,
            subtotal=0,
            amount_due=0,
            customer_name=customer.get("name"),
            customer_email=customer.get("email"),
            hosted_invoice_url=None,
        )

    def item(self, form: Body) -> Body:
        """A line of a draft."""
        self.get("cus", form["customer"])
        invoice = self.get("in", form["invoice"])
        if invoice["status"] != "draft":
            raise Refused(400, "The invoice is not a draft; nothing can be added.")
        if form["currency"] != invoice["currency"]:
            raise Refused(400, "The currency of the item is not that of the invoice.")
        for name in ("total", "subtotal", "amount_due"):
            invoice[name] += form["amount"]
        return self.make("ii", **form)

    def finalise(self, id_: str, form: Body) -> Body:
        """A draft gets its number, and cannot be changed any more."""
        invoice = self._in_state(id_, "finalized", "draft")
        number = sum(each["status"] != "draft" for each in self.things["in"].values()) + 1
        invoice |= {"status": "open", "number": f"ACME-{number:04d}"}
        invoice["hosted_invoice_url"] = f"https://invoice.stripe.com/i/{id_}"
        self.tell("invoice.finalized", invoice)
        return invoice

    def send(self, id_: str, form: Body) -> Body:
        """Mail it; sending again mails it again."""
        invoice = self._in_state(id_, "sent", "draft", "open")
        if invoice["status"] == "draft":
            self.finalise(id_, form)
        self.mailed.append(id_)
        self.tell("invoice.sent", invoice)
        return invoice

    def void(self, id_: str, form: Body) -> Body:
        """Nobody has to pay it."""
        invoice = self._in_state(id_, "voided", "open", "uncollectible")
        invoice["status"] = "void"
        self.tell("invoice.voided", invoice)
        return invoice

    def pay(self, id_: str) -> Body:
        """The customer pays: for tests, not for clients. Returns the event."""
        invoice = self.get("in", id_)
        intent = self.make("pi", amount=invoice["total"], currency=invoice["currency"])
        intent |= {"status": "succeeded", "amount_received": invoice["total"], "refunded": 0}
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        self.make("inpay", invoice=id_, payment=payment, status="paid")
        invoice |= {"status": "paid", "amount_paid": invoice["total"], "amount_remaining": 0}
        return self.tell("invoice.paid", invoice)

    def refund(self, form: Body) -> Body:
        """Part of a payment or all of it back, never more than came."""
        intent = self.get("pi", form.get("payment_intent", ""))
        if intent["status"] != "succeeded":
            raise Refused(400, "This payment has not succeeded.")
        left = intent["amount_received"] - intent.get("refunded", 0)
        amount = form.get("amount", left)
        if left == 0:
            raise Refused(400, "It has already been refunded.", code="charge_already_refunded")
        if amount > left:
            raise Refused(400, f"Refund amount ({amount}) is greater than what is left ({left})")
        intent["refunded"] = intent.get("refunded", 0) + amount
        told = {**form, "amount": amount, "currency": intent["currency"], "status": "succeeded"}
        return self.make("re", **told)

    def link(self, form: Body) -> Body:
        """A page where anybody pays."""
        for line in form["line_items"]:
            self.get("price", line["price"])
        made = self.make("plink", active=True, metadata=form.get("metadata", {}))
        made["url"] = f"https://buy.stripe.com/{made['id']}"
        return made

    def price(self, form: Body) -> Body:
        """A price, and its product where that is told beside it."""
        told = dict(form)
        if data := told.pop("product_data", None):
            told["product"] = self.make("prod", **data)["id"]
        else:
            self.get("prod", told.get("product", ""))
        told.setdefault("recurring", None)
        told["type"] = "recurring" if told["recurring"] else "one_time"
        return self.make("price", **told)

    def session(self, form: Body) -> Body:
        """A page that is used once."""
        if form["mode"] == "setup" and not form.get("currency"):
            raise Refused(400, "Missing required param: currency.")
        if form["mode"] == "subscription" and not form.get("line_items"):
            raise Refused(400, "Missing required param: line_items.")
        for line in form.get("line_items", ()):
            self._item(line)
        told = {"customer": form["customer"], "mode": form["mode"], "status": "open"}
        made = self.make("cs", **told, metadata=form.get("metadata", {}))
        made["url"] = f"https://checkout.stripe.com/c/pay/{made['id']}"
        return made

    def product(self, form: Body) -> Body:
        """Something that has prices."""
        return self.make("prod", **form)

    def subscribe(self, form: Body) -> Body:
        """Active at once where it is paid by invoice."""
        self.get("cus", form["customer"])
        items = [self._item(each) for each in form["items"]]
        if form.get("collection_method") != "send_invoice":
            raise Refused(400, "This customer has no attached payment source.")
        told = {"customer": form["customer"], "metadata": form.get("metadata", {})}
        told |= {"status": "active", "cancel_at_period_end": False, "pause_collection": None}
        return self.make("sub", **told, items={"object": "list", "data": items})

    def _item(self, told: Body) -> Body:
        price = self.get("price", told["price"])
        if price["type"] != "recurring":
            raise Refused(400, "The price specified is set to `type=one_time`.")
        return self.make("si", price=price)

    def resubscribe(self, id_: str, form: Body) -> Body:
        """Change a subscription that has not ended."""
        found = self.get("sub", id_)
        if found["status"] == "canceled":
            raise Refused(404, f"No such subscription: '{id_}'", code="resource_missing")
        for told in form.pop("items", []):
            (item,) = (each for each in found["items"]["data"] if each["id"] == told["id"])
            item["price"] = self.get("price", told["price"])
        if form.get("pause_collection") == "":
            form["pause_collection"] = None
        found |= form
        return found

    def unsubscribe(self, id_: str) -> Body:
        """End it now; a second time there is none."""
        found = self.resubscribe(id_, {})
        found["status"] = "canceled"
        return found

    def _in_state(self, id_: str, what: str, *states: str) -> Body:
        invoice = self.get("in", id_)
        if invoice["status"] not in states:
            raise Refused(400, f"This invoice is {invoice['status']} and can't be {what}.")
        return invoice


def _is_of(item: Body, name: str, value: str) -> bool:
    """Whether a list that is asked for by that shows it."""
    if item.get("object") == "subscription" and name == "price":
        return any(each["price"]["id"] == value for each in item["items"]["data"])
    if item.get("object") == "subscription" and name == "status" and value == "all":
        return True
    return str(item.get(name)) == value


_OF_INVOICE = frozenset(
    {"customer", "currency", "collection_method", "auto_advance", "description", "metadata"}
)
