"""The connector, the token endpoint, files, Graph and Workflows of the Teams that only plays.

Each takes what `teams_rules` allows and answers as the vendor does; `Refusal` and `Denied` say no.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

from tests.fakes import teams_rules as rules
from tests.fakes.teams_rules import Body, Refusal
from tests.fakes.teams_world import APP, BOT, TENANT, Person, Shown, World

BOT_SCOPE, GRAPH_SCOPE = (
    "https://api.botframework.com/.default",
    "https://graph.microsoft.com/.default",
)
SECRET = "teams-app-secret"
WORKFLOW = "workflow"
"""The place where the posts of the workflow stand."""


class Denied(Exception):
    """No, in the form of another door than the connector's."""

    def __init__(self, status: int, body: Body, mistake: str = "") -> None:
        super().__init__(f"{status} {json.dumps(body)}")
        self.status, self.body, self.mistake = status, body, mistake


class Connector:
    """One app registration in one tenant, and the conversations it is in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.secret = SECRET
        self.token_life_s = 3599.0
        self.tokens: dict[str, tuple[str, float]] = {}
        """Token to its scope and the time it ends."""
        self.granted: list[str] = []
        """Every token that was given, in order."""
        self.typing: list[str] = []
        """Conversation of each typing activity."""
        self.forbidden: dict[str, str] = {}
        """Conversation (or `*`) to the code it is refused with."""
        self.graph_tokens: dict[str, tuple[str, set[str]]] = {}
        """Delegated token to the person who signed in and the scopes they gave."""
        self._count = itertools.count(1)

    # --- tokens -------------------------------------------------------------------------------------

    def grant(self, tenant: str, form: Mapping[str, str]) -> Body:
        """Client credentials to a token. Wrong ones are the operator's, not a mistake of the code."""
        if form.get("grant_type") != "client_credentials":
            raise _entra(400, "unsupported_grant_type", 70003, "grant_type", mistake=True)
        if form.get("scope") not in (BOT_SCOPE, GRAPH_SCOPE):
            raise _entra(400, "invalid_scope", 70011, f"scope {form.get('scope')}", mistake=True)
        if tenant not in (TENANT, "botframework.com"):
            raise _entra(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if tenant == "botframework.com" or form.get("client_id") != APP:
            text = f"Application with identifier '{form.get('client_id')}' was not found."
            raise _entra(400, "unauthorized_client", 700016, text)
        if form.get("client_secret") != self.secret:
            raise _entra(401, "invalid_client", 7000215, "Invalid client secret provided.")
        token = f"token-{next(self._count)}"
        self.tokens[token] = (form["scope"], time.monotonic() + self.token_life_s)
        self.granted.append(token)
        life = int(self.token_life_s)
        return {
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": token,
        }

    def authorise(self, header: str) -> None:
        """The app's own token for the connector. Denied otherwise."""
        scope, until = self.tokens.get(header.removeprefix("Bearer "), ("", 0.0))
        if scope != BOT_SCOPE or time.monotonic() >= until:
            text = "Authorization has been denied for this request."
            raise Denied(401, {"message": text}, "" if header and scope else "no good token")

    # --- conversations --------------------------------------------------------------------------------

    def place(self, conversation: str) -> str:
        """The place of a conversation id that the bot may write to. Refusal otherwise."""
        place, _, root = conversation.partition(";messageid=")
        if place not in self.world.places or place == WORKFLOW:
            raise Refusal("ConversationNotFound", mistake=True)
        if code := self.forbidden.get(place) or self.forbidden.get("*"):
            raise Refusal(code, mistake=False)
        if root and not any(m.id == root for m in self.world.messages):
            raise Refusal("ConversationNotFound", "The root message was not found.", mistake=False)
        return place

    def send(
        self, conversation: str, activity: Any, reply_to: str = "", only: bool = False
    ) -> Body:
        """A message or a sign of typing; gives the answer's body, empty for typing."""
        place = self.place(conversation)
        self._check(activity, conversation)
        if activity["type"] == "typing":
            self.typing.append(conversation)
            return {}
        target = (activity.get("recipient") or {}).get("id", "") if only else ""
        if only and target not in {p.id for p in self.world.places[place].people}:
            raise Refusal("BadSyntax", "a targeted message needs the recipient's id")
        thread = ""
        if reply_to and (answered := self.world.find(reply_to)) is not None:
            thread = answered.thread
        item = self.world.put(conversation, BOT, "", bot=True, thread=thread, reply_to=reply_to)
        item.only_for = target
        _fill(item, activity)
        return {"id": item.id}

    def update(self, conversation: str, id: str, activity: Any) -> Body:
        """Put another content in the place of a message of the bot."""
        item = self._own(conversation, id)
        self._check(activity, conversation)
        if activity["type"] != "message":
            raise Refusal("BadSyntax", "only a message replaces a message")
        _fill(item, activity)
        item.edited += 1
        return {"id": item.id}

    def delete(self, conversation: str, id: str) -> Body:
        """Take a message of the bot away."""
        self.world.messages.remove(self._own(conversation, id))
        return {}

    def create(self, wanted: Any) -> Body:
        """A chat with one person, or a thread in a channel."""
        if not isinstance(wanted, dict):
            raise Refusal("BadSyntax")
        channel = ((wanted.get("channelData") or {}).get("channel") or {}).get("id", "")
        if channel:
            place = self.place(channel)
            if self.world.places[place].kind != "channel" or wanted.get("isGroup") is not True:
                raise Refusal("BadSyntax", "a thread needs isGroup and the id of a channel")
            self._check(wanted.get("activity"), "")
            item = self.world.put(place, BOT, "", bot=True)
            _fill(item, wanted["activity"])
            return {"id": f"{place};messageid={item.id}", "activityId": item.id}
        members = wanted.get("members") or []
        tenant = wanted.get("tenantId") or (
            (wanted.get("channelData") or {}).get("tenant") or {}
        ).get("id")
        if wanted.get("isGroup") or len(members) != 1 or tenant != TENANT:
            raise Refusal("BadSyntax", "Incorrect conversation creation parameters")
        person = self.world.people.get(str(members[0].get("id")))
        if person is None:
            raise Refusal("ForbiddenOperationException", mistake=False)
        return {"id": self.place(self.world.personal(person))}

    def member(self, conversation: str, id: str) -> Body:
        """One person of a conversation."""
        for person in self.world.places[self.place(conversation)].people:
            if id in (person.id, person.aad):
                return account(person)
        raise Refusal("ConversationNotFound", "Member not found.", mistake=False)

    def _own(self, conversation: str, id: str) -> Shown:
        place, item = self.place(conversation), self.world.find(id)
        if item is None or item.place != place:
            raise Refusal("ActivityNotFoundInConversation", mistake=False)
        if not item.bot:
            raise Refusal("BadSyntax", "the message is not the bot's")
        return item

    def _check(self, activity: Any, conversation: str) -> None:
        if wrong := list(rules.misfits(activity, bot=BOT, place=conversation)):
            raise Refusal("BadSyntax", "; ".join(wrong))
        if len(json.dumps(activity, ensure_ascii=False).encode()) > rules.MAX_BYTES:
            raise Refusal("MessageSizeTooBig")

    # --- Graph and Workflows ----------------------------------------------------------------------------

    def sign_in(self, person: Person, *scopes: str) -> str:
        """A delegated token for Graph; without scopes, `ChannelMessage.Send`."""
        token = f"delegated-{next(self._count)}"
        self.graph_tokens[token] = (person.id, set(scopes or ("ChannelMessage.Send",)))
        return token

    def graph_post(self, header: str, team: str, channel: str, body: Any, root: str = "") -> Body:
        """A channel message by whoever signed in."""
        token = header.removeprefix("Bearer ")
        if token in self.tokens:
            needs = "API requires one of 'Teamwork.Migrate.All'. Roles on the request ''."
            raise _graph(403, "Forbidden", f"Missing role permissions on the request. {needs}")
        if token not in self.graph_tokens:
            text = "Access token has expired or is not yet valid."
            raise _graph(401, "InvalidAuthenticationToken", text)
        who, scopes = self.graph_tokens[token]
        if not scopes & {"ChannelMessage.Send", "Group.ReadWrite.All"}:
            needs = "API requires one of 'ChannelMessage.Send, Group.ReadWrite.All'."
            given = f"Scopes on the request '{', '.join(sorted(scopes))}'."
            text = f"Missing scope permissions on the request. {needs} {given}"
            raise _graph(403, "Forbidden", text)
        place = self.world.places.get(channel)
        if place is None or place.kind != "channel" or self.world.team_id(place.team) != team:
            raise _graph(404, "NotFound", "No channel was found by this team and channel id.")
        if wrong := rules.graph_misfits(body):
            raise _graph(400, "BadRequest", "; ".join(wrong), mistake=True)
        item = self.world.put(channel, who, body["body"]["content"], thread=root, via="graph")
        where = f"https://teams.microsoft.com/l/message/{channel}/{item.id}?groupId={team}"
        kept = {"contentType": "text", **body["body"]}
        return {"id": item.id, "messageType": "message", "webUrl": where, "body": kept}

    def workflow_post(self, body: Any) -> None:
        """An Adaptive Card that a flow posts."""
        if wrong := list(rules.envelope_misfits(body)):
            error = {"code": "InvalidRequestContent", "message": "; ".join(wrong)}
            raise Denied(400, {"error": error}, "; ".join(wrong))
        if len(json.dumps(body).encode()) > rules.MAX_BYTES:
            raise Denied(413, {"error": {"code": "RequestEntityTooLarge"}}, "over 28 KB")
        self.world.put(WORKFLOW, "flow", "", via="workflow", attachments=body["attachments"])


def account(person: Person) -> Body:
    """A person as the roster names them."""
    first, _, last = person.name.partition(" ")
    return {
        "id": person.id,
        "name": person.name,
        "aadObjectId": person.aad,
        "objectId": person.aad,
        "givenName": first,
        "surname": last,
        "email": person.email,
        "userPrincipalName": person.email,
        "tenantId": TENANT,
        "userRole": "user",
    }


def _fill(item: Shown, activity: Body) -> None:
    item.text = activity.get("text") or ""
    item.attachments = list(activity.get("attachments") or [])
    item.entities = list(activity.get("entities") or [])


def _entra(status: int, word: str, code: int, text: str, *, mistake: bool = False) -> Denied:
    body = {"error": word, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
    return Denied(status, body, text if mistake else "")


def _graph(status: int, code: str, text: str, *, mistake: bool = False) -> Denied:
    inner = {"date": "2026-11-21T00:00:00", "request-id": "r", "client-request-id": "r"}
    body = {"error": {"code": code, "message": text, "innerError": inner}}
    return Denied(status, body, text if mistake else "")
