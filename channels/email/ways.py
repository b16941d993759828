"""The carriers of mail as somebody chooses among them, and what each is to be told.

What is not named here has a value that fits most; `bot connect email --all` asks for it as well.
https://www.rfc-editor.org/rfc/rfc5321 (read 2026-11-21)
"""

from typing import Final

from bot.platforms.ways import Way

HOUSE: Final = ("address",)
AGENTS: Final = ("agents",)

WAYS: Final = (
    Way(
        name="graph",
        title="Microsoft 365, out and in",
        asks=(
            ("ms_sender_upn",),
            ("ms_tenant_id",),
            ("ms_client_id",),
            ("ms_client_secret",),
            ("ms_read",),
            AGENTS,
        ),
        needs=("ms_sender_upn", "ms_tenant_id", "ms_client_id", "ms_client_secret"),
    ),
    Way(
        name="resend",
        title="Resend, out; in by its webhook",
        asks=(HOUSE, ("resend_api_key",), ("resend_webhook_secret",), AGENTS),
        needs=("address", "resend_api_key"),
    ),
    Way(
        name="sendgrid",
        title="SendGrid, out; in by Inbound Parse",
        asks=(
            HOUSE,
            ("sendgrid_api_key",),
            ("sendgrid_inbound_secret", "sendgrid_inbound_key"),
            ("sendgrid_events_key",),
            AGENTS,
        ),
        needs=("address", "sendgrid_api_key"),
    ),
    Way(
        name="smtp",
        title="any mail server: SMTP out, IMAP in",
        asks=(
            HOUSE,
            ("smtp_host", "smtp_username", "smtp_password"),
            ("imap_host", "imap_username", "imap_password", "authserv"),
            AGENTS,
        ),
        needs=("address", "smtp_host"),
    ),
)
