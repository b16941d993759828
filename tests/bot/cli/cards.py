"""Approvals as the API shows them, and a house that decides them."""

from collections.abc import Callable, Mapping

from tests.fakes.api_server import Answer, ApiServer, Call, Json

TEXT = "We are open on Sunday"
CHOICES = [
    {"id": "edit", "label": "Edit", "style": "plain"},
    {"id": "ask", "label": "Ask", "style": "plain"},
    {"id": "reject", "label": "Reject", "style": "danger"},
    {"id": "approve", "label": "Approve", "style": "primary"},
]
DOUBT = [
    {"id": "there", "label": "It is there"},
    {"id": "leave", "label": "Leave it"},
    {"id": "again", "label": "Do it again", "style": "danger"},
]


def approval(**changes: object) -> dict[str, object]:
    """A question whether a text may be published."""
    shown: dict[str, object] = {
        "title": "Publish on the blog",
        "agent": "reynolds",
        "on_behalf_of": "Ada",
        "amount": "",
        "recipients": ["everybody"],
        "fields": [{"name": "Title", "value": "Sunday", "long": False, "editable": "title"}],
        "body": TEXT,
        "warnings": [],
        "audience": "public",
        "why": "publishing always asks",
        "approvers": ["Ada"],
        "code": "4821",
        "decided": "",
        "sandbox": False,
        "choices": CHOICES,
    }
    shown.update(changes.pop("shown", {}))  # type: ignore[call-overload]
    return {
        "id": "apr_1",
        "code": "4821",
        "kind": "approve",
        "state": "pending",
        "tool": "blog_publish",
        "arguments": {"title": "Sunday", "text": TEXT, "tags": ["news"]},
        "version": 1,
        "hash": "abc",
        "shown": shown,
        "effects": [{"id": "eff_1", "tool": "blog_publish", "arguments": {"title": "Sunday"}}],
        "requested_by": {"id": "per_1", "name": "Ada"},
        "agent": "reynolds",
        "approvers": [{"id": "per_1", "name": "Ada"}],
        "may_decide": True,
        "why": "publishing always asks",
        "expires_at": "2020-02-01T10:12:00.000Z",
        "decided_by": None,
        **changes,
    }


class Desk:
    """Answers for approvals, as the real house decides them."""

    def __init__(self, server: ApiServer, **changes: object) -> None:
        self.current = approval(**changes)
        self.decided: list[Mapping[str, object]] = []
        self.refuse_text = ""
        """An edit with this text is refused."""
        self.after: Callable[[object], object] = lambda decision: None
        """Called with each decision that was taken."""
        id_ = self.current["id"]
        server.answers["GET", "/v1/approvals"] = self._list
        server.answers["GET", f"/v1/approvals/{id_}"] = lambda call: (200, self.current)
        server.answers["POST", f"/v1/approvals/{id_}/decide"] = self._decide

    def _list(self, call: Call) -> Answer:
        fits = call.query.get("state") in (None, self.current["state"])
        return 200, {"items": [self.current] if fits else [], "next": None}

    def _decide(self, call: Call) -> Answer:
        body = call.body
        self.decided.append(body)
        if body.get("version") != self.current["version"]:
            return 409, {**_error("conflict", "It has changed."), "approval": self.current}
        if self.current["state"] != "pending":
            return 409, {**_error("conflict", "Already decided."), "approval": self.current}
        decision, arguments = body["decision"], body.get("arguments")
        if isinstance(arguments, Mapping):
            if self.refuse_text and arguments.get("text") == self.refuse_text:
                return 422, _error("invalid", "The text is too long for the blog.")
            self.current = {**self.current, "arguments": arguments}
        if decision == "ask":
            self.after(decision)
            return 200, self.current
        state = "rejected" if decision in ("reject", "leave") else "approved"
        self.current = {**self.current, "state": state, "decided_by": {"id": "p", "name": "Ada"}}
        self.after(decision)
        return 200, self.current


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}
