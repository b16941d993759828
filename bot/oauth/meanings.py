"""What a vendor's word for a refusal comes to, for the person whose browser brought it back.

https://www.rfc-editor.org/rfc/rfc6749#section-5.2 for all, and
https://docs.slack.dev/reference/methods/oauth.v2.access for Slack's own (read 2026-11-21). A word
that is not known is said beside a plain sentence, so that it can be looked up at the vendor.
"""

from bot.oauth.wire import is_shown

_OVER = "does not take its answer any more: it was used before, or is too old. Begin again."
_APP = "does not know the app: enter its client ID and secret anew."
_ADDRESS = (
    "knows another redirect address of this app than {redirect}: enter this one there, exactly."
)
_SCOPE = "does not give this app what was asked for: allow it in the app there, or ask for less."
_MEANS = {
    "invalid_grant": _OVER,
    "invalid_code": _OVER,
    "code_already_used": _OVER,
    "code_expired": _OVER,
    "invalid_client": _APP,
    "invalid_client_id": _APP,
    "bad_client_secret": _APP,
    "unauthorized_client": "does not let this app connect accounts: switch that on there.",
    "redirect_uri_mismatch": _ADDRESS,
    "invalid_redirect_uri": _ADDRESS,
    "bad_redirect_uri": _ADDRESS,
    "invalid_scope": _SCOPE,
    "access_denied": "was told no.",
    "user_cancelled_authorize": "was told no.",
}
_ELSE = "did not let us in. Begin again; if that does not help, compare the app there with ours"


def plainly(title: str, word: str, redirect: str) -> str:
    """A refusal in words for a person; `redirect` is the address that people come back to."""
    said = _MEANS.get(word, "").replace("{redirect}", redirect)
    if not said:
        said = f"{_ELSE} (its word: {word})." if is_shown(word) else f"{_ELSE}."
    return f"{title} {said}"
