"""What `[channels.email]` says: addresses, carriers that take mail out, inboxes that bring it in.

A carrier or an inbox is there when its setting is. docs/channels/email.md has one page of it.
https://www.rfc-editor.org/rfc/rfc5321 (read 2026-11-21)
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.config.values import is_loopback
from bot.core.errors import OperatorError
from bot.platforms.lent import Lent, settings_of
from channels.email.addresses import address_of
from channels.email.ways import WAYS

NONE: Final = SecretStr("")
ORDER: Final = ("graph", "resend", "sendgrid", "smtp")
Security = Literal["starttls", "tls", "none"]


class Settings(BaseModel):
    """The channel's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binds: ClassVar = {
        "": (
            "address",
            "agents",
            "ms_tenant_id",
            "ms_client_id",
            "ms_sender_upn",
            "resend_api_key",
            "sendgrid_api_key",
            "smtp_host",
            "smtp_username",
        )
    }
    ways: ClassVar = WAYS

    address: str = Field(default="", description="The house's own address; ms_sender_upn if empty.")
    name: str = Field(default="Switchboard", description="The name before that address.")
    agents: str = Field(
        default="", description="Agents with an address of their own: kelly=kelly@example.org, …"
    )
    catch_all: bool = Field(
        default=False, description="Whether mail to any name at these domains is taken."
    )
    carriers: str = Field(
        default="", description="In which order mail is sent; graph,resend,sendgrid,smtp if empty."
    )
    authserv: str = Field(
        default="",
        description="The name that your mail server writes first in Authentication-Results.",
    )
    per_hour: int = Field(
        default=20, ge=1, le=1000, description="Answers in one thread and hour; then it is quiet."
    )
    ms_tenant_id: str = Field(default="", description="Microsoft Entra: directory (tenant) id.")
    ms_client_id: str = Field(default="", description="Microsoft Entra: application (client) id.")
    ms_client_secret: SecretStr = Field(default=NONE, description="Microsoft Entra: its secret.")
    ms_sender_upn: str = Field(default="", description="The mailbox at Microsoft 365.")
    ms_drafts: bool = Field(
        default=True, description="Whether the app has Mail.ReadWrite; else only Mail.Send."
    )
    ms_read: bool = Field(default=False, description="Whether mail is read there as well.")
    resend_api_key: SecretStr = Field(
        json_schema_extra={"begins": "re_"}, default=NONE, description="Resend: begins with re_."
    )
    resend_webhook_secret: SecretStr = Field(
        json_schema_extra={"begins": "whsec_"},
        default=NONE,
        description="Resend: the webhook's signing secret, whsec_…",
    )
    sendgrid_api_key: SecretStr = Field(
        json_schema_extra={"begins": "SG."}, default=NONE, description="SendGrid: begins with SG."
    )
    sendgrid_inbound_secret: SecretStr = Field(
        default=NONE, description="SendGrid: the last part of the Inbound Parse address, by you."
    )
    sendgrid_inbound_key: str = Field(
        default="", description="SendGrid: the public key of Inbound Parse's security policy."
    )
    sendgrid_events_key: str = Field(
        default="", description="SendGrid: the public key of the signed event webhook."
    )
    smtp_host: str = Field(default="", description="SMTP: the server that takes mail.")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="SMTP: its port.")
    smtp_security: Security = Field(default="starttls", description="starttls, tls or none.")
    smtp_username: str = Field(default="", description="SMTP: who signs in.")
    smtp_password: SecretStr = Field(default=NONE, description="SMTP: the password.")
    imap_host: str = Field(default="", description="IMAP: the server that keeps the mailbox.")
    imap_port: int = Field(default=993, ge=1, le=65535, description="IMAP: its port.")
    imap_security: Security = Field(default="tls", description="tls, starttls or none.")
    imap_username: str = Field(default="", description="IMAP: who signs in.")
    imap_password: SecretStr = Field(default=NONE, description="IMAP: the password.")
    imap_folder: str = Field(default="INBOX", description="IMAP: the folder that is read.")

    @property
    def home(self) -> str:
        """The house's own address, in small letters."""
        return address_of(self.address or self.ms_sender_upn)

    @property
    def boxes(self) -> Mapping[str, str]:
        """Agent to address."""
        pairs = [item.partition("=") for item in self.agents.split(",") if item.strip()]
        return {name.strip().lower(): address_of(address) for name, _, address in pairs}

    @property
    def servers(self) -> frozenset[str]:
        """The servers whose word on a sender counts."""
        return frozenset(item.strip().lower() for item in self.authserv.split(",") if item.strip())

    @property
    def order(self) -> tuple[str, ...]:
        """The carriers that are set, in the order in which they are tried."""
        wanted = [item.strip().lower() for item in self.carriers.split(",") if item.strip()]
        there = {
            "graph": bool(self.ms_client_id),
            "resend": bool(self.resend_api_key.get_secret_value()),
            "sendgrid": bool(self.sendgrid_api_key.get_secret_value()),
            "smtp": bool(self.smtp_host),
        }
        return tuple(dict.fromkeys(name for name in wanted or ORDER if there.get(name)))


def read(lent: Lent) -> Settings:
    """The settings. Raises OperatorError, naming what is missing."""
    settings = settings_of(Settings, "email", lent)
    for wrong in mistakes(settings):
        raise OperatorError(f"[channels.email] {wrong}")
    if lent.is_guest and (settings.smtp_host or settings.imap_host):
        raise OperatorError(
            "Mail servers that are named by their host (SMTP, IMAP) are connected by the first "
            "workspace of a house alone. Choose Microsoft Graph, Resend or SendGrid."
        )
    return settings


def mistakes(settings: Settings) -> list[str]:
    """What does not fit, each with its mend."""
    found = []
    if not settings.home:
        found.append("needs address: the house's own, such as team@example.org.")
    bad = [name for name, address in settings.boxes.items() if not name or not address]
    if bad or len(set(settings.boxes.values())) != len(settings.boxes):
        found.append("agents reads name=address, …, each address once.")
    if unknown := {item.strip() for item in settings.carriers.lower().split(",")} - {*ORDER, ""}:
        found.append(f"carriers knows graph, resend, sendgrid and smtp, not {min(unknown)}.")
    if not settings.order:
        found.append(
            "needs a way out: ms_client_id, resend_api_key, sendgrid_api_key or smtp_host."
        )
    graph = (settings.ms_tenant_id, settings.ms_client_id, settings.ms_client_secret)
    if settings.ms_client_id and not (all(graph[:2]) and graph[2].get_secret_value()):
        found.append("ms_client_id needs ms_tenant_id and ms_client_secret.")
    if settings.ms_read and not settings.ms_client_id:
        found.append("ms_read needs ms_client_id.")
    for name in ("smtp", "imap"):
        found += _unsafe(settings, name)
    secret = settings.sendgrid_inbound_secret.get_secret_value()
    if secret and (len(secret) < 32 or not secret.isalnum()):
        found.append("sendgrid_inbound_secret is 32 letters and digits or more.")
    if settings.imap_host and not settings.imap_username:
        found.append("imap_host needs imap_username and imap_password.")
    return found


def _unsafe(settings: Settings, name: str) -> list[str]:
    """A password, or mail, goes unencrypted to this machine only."""
    host, how = getattr(settings, f"{name}_host"), getattr(settings, f"{name}_security")
    if not host or how != "none" or is_loopback(host):
        return []
    return [f"{name}_security may be none for a server on this machine only."]
