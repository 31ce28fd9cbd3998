# Generated from openapi.json by scripts/generate.py. Not edited by hand.
"""What the API answers. Times are RFC 3339 with milliseconds, UTC, as strings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from passthrough_sdk._model import SECRET, Model, Page, WithHeaders
from passthrough_sdk._words import PassThroughRequestDtoMethod

__all__ = [
    "Account",
    "ApiKey",
    "Auth",
    "Connection",
    "ConnectionWithToken",
    "CreatedApiKey",
    "CreatedLinkSession",
    "CredentialState",
    "Deleted",
    "Ending",
    "ErrorCode",
    "Event",
    "EventKind",
    "Field",
    "Grant",
    "HeaderValues",
    "Health",
    "Integration",
    "LinkSession",
    "LinkStatus",
    "LinkedConnection",
    "Model",
    "Page",
    "PassThroughRequestDtoMethod",
    "PassthroughResponse",
    "Provider",
    "ProviderLimit",
    "ProviderSummary",
    "Record",
    "Refreshed",
    "Replayed",
    "Revocation",
    "Verification",
    "VerificationResult",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEndpointWithSecret",
]

Ending = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "conflict",
    "payload_too_large",
    "connection_disconnected",
    "invalid_credentials",
    "insufficient_permissions",
    "unprocessable_entity",
    "too_many_requests",
    "internal_server_error",
    "not_implemented",
    "bad_gateway",
    "overloaded",
    "refresh_in_progress",
    "circuit_open",
    "unavailable",
    "gateway_timeout",
    "caller_gone",
    "reset",
    "protocol",
    "tls",
    "idle_timeout",
    "total_timeout",
]
"""Why there was no whole answer: an error code, or how an answer ended that had begun."""

ErrorCode = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "conflict",
    "payload_too_large",
    "connection_disconnected",
    "invalid_credentials",
    "insufficient_permissions",
    "unprocessable_entity",
    "too_many_requests",
    "internal_server_error",
    "not_implemented",
    "bad_gateway",
    "overloaded",
    "refresh_in_progress",
    "circuit_open",
    "unavailable",
    "gateway_timeout",
]
"""What went wrong, as a name to branch on."""

EventKind = Literal[
    "connection.created",
    "connection.refreshed",
    "connection.disconnected",
    "connection.reconnected",
    "connection.deleted",
    "integration.client_rejected",
    "webhook.test",
]
"""A type of event."""

Grant = Literal[
    "static",
    "oauth2_code",
    "oauth2_client_credentials",
    "oauth2_password",
    "oauth2_jwt_bearer",
    "oauth1",
    "app_jwt_exchange",
    "login",
    "mcp_oauth",
]
"""How a usable secret is obtained."""

HeaderValues = str | list[str]
"""The value of a header, or its values where it came more than once."""

LinkStatus = Literal["open", "started", "done", "failed", "cancelled", "expired"]
"""How far a link session has come."""

Revocation = Literal["done", "not_offered", "failed"]
"""What came of giving a grant back to its provider."""

VerificationResult = Literal["alive", "refused", "unreachable"]
"""What a verification showed."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Account(Model):
    """The account at the provider."""

    id: str | None = None
    """Its id there."""

    label: str | None = None
    """What a person would recognise."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ApiKey(Model):
    """An API key, without the key."""

    id: str
    """`key_<ULID>`."""

    name: str
    """The operator's own name for it."""

    environment: str
    """The environment that it opens."""

    created_at: str
    """RFC 3339."""

    expires_at: str | None = None
    """RFC 3339; never, where absent."""

    revoked_at: str | None = None
    """RFC 3339; set once it has been revoked."""

    last_used_at: str | None = None
    """RFC 3339, to the hour."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Auth(Model):
    """One way to authenticate."""

    label: str
    """What a form shows."""

    description: str | None = None
    """Where a person finds the secret."""

    grant: Grant
    """How the secret is obtained: `static`."""

    fields: dict[str, Field]
    """What the user gives."""

    can_verify: bool
    """Whether a call is known that proves the credential."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Connection(Model):
    """A connection. No answer ever contains a stored credential."""

    id: str
    """`conn_<ULID>`."""

    status: Literal["connected", "disconnected", "archived"]
    """`connected`, `disconnected` or `archived`."""

    provider: str
    """The provider's code."""

    integration: str
    """The integration's key."""

    auth: str
    """The auth entry."""

    name: str | None = None
    """The operator's own name for it."""

    external_id: str | None = None
    """The end user's id in the caller's product."""

    account: Account | None = None
    """The account at the provider, where `verify` could read it."""

    tags: list[str]
    """Free labels."""

    created_at: str
    """RFC 3339."""

    updated_at: str
    """RFC 3339."""

    verified_at: str | None = None
    """RFC 3339 of the last verification that found the credential alive."""

    credential: CredentialState | None = None
    """How its credential is; only where one connection is read or changed by itself."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CreatedLinkSession(Model):
    """A link session just made, with the URL for the end user: this is the only time that it is shown."""

    id: str
    """`link_<ULID>`."""

    url: str = field(metadata=SECRET)
    """Where the end user goes. Whoever opens it first is the one who links."""

    expires_at: str
    """RFC 3339."""

    locale: Literal["en", "de"] | None = None
    """The language that the pages will have, `en` or `de`; absent where the browser decides, because none of the
    two was asked for.
    """


@dataclass(frozen=True, kw_only=True, repr=False)
class CredentialState(Model):
    """How a connection's credential is. Nothing of it is the credential."""

    since: str | None = None
    """RFC 3339; since when it is this one: it was given, or its provider renewed it."""

    expires_at: str | None = None
    """RFC 3339; when it ends, where that is known. One that renews itself is renewed before."""

    refresh_expires_at: str | None = None
    """RFC 3339; after which it cannot be renewed any more, where that is known."""

    failures: int | None = None
    """How often renewing it has failed in a row; absent for never."""

    error: str | None = None
    """Why that failed the last time, or why the connection is disconnected: the provider's word such as
    `invalid_grant`, or `verify` where it refused it when asked to verify it.
    """

    retry_at: str | None = None
    """RFC 3339; before which renewing it is not tried again, unless somebody asks for it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Deleted(Model):
    """The answer of `DELETE /v1/connections/{id}?revoke=true`."""

    revoked: Revocation
    """Whether the provider has taken the grant back. The connection is deleted either way."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Event(Model):
    """Something that happened. Holds nothing secret: it is what webhooks are sent."""

    id: str
    """`evt_<ULID>`."""

    type: EventKind
    """What happened: `connection.disconnected`."""

    timestamp: str
    """RFC 3339; when it happened."""

    data: dict[str, Any]
    """What there is to say of it; `connectionId` and `integration` where it is about one."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Field(Model):
    """One thing that a user gives."""

    label: str
    """What a form shows."""

    description: str | None = None
    """Where a person finds it."""

    example: str | None = None
    """A value as it may look."""

    pattern: str | None = None
    """A regular expression over the whole value."""

    enum: list[str] | None = None
    """The only values that it may have."""

    default: str | None = None
    """The value where none is given."""

    required: bool
    """Whether it must be given."""

    secret: bool
    """Whether a form hides it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Health(Model):
    """A state."""

    status: str
    """`ok`."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Integration(Model):
    """An integration. Its secrets can be written and never read."""

    key: str
    """Its name in this environment; part of the redirect URI."""

    provider: str
    """The provider's code."""

    name: str | None = None
    """The operator's own name for it; end users see it where several integrations stand to choose from."""

    client_id: str | None = None
    """The OAuth client's id."""

    has_client_secret: bool
    """Whether there is a client secret."""

    has_private_key: bool
    """Whether there is a private key, by which the client shows who it is."""

    private_key_id: str | None = None
    """The private key's id at the provider."""

    scopes: list[str] | None = None
    """What is asked for in place of the provider's usual scopes."""

    authorize_params: dict[str, str]
    """Further parameters of the page where end users consent."""

    allow_hosts: list[str]
    """Hosts that variables of its connections may name besides those of the provider's file."""

    redact_reflections: Literal["none", "headers", "headers-and-bodies"] | None = None
    """`none`, `headers` or `headers-and-bodies`, in place of what the provider's file says."""

    variables: dict[str, str | None]
    """Variables that are the same for all of its connections. The value of a secret one is `null`."""

    redirect_uri: str
    """What to register as redirect URI (callback URL) in the provider's developer console."""

    client_rejected_at: str | None = None
    """RFC 3339; when the provider last refused the OAuth client. Gone once another client is given."""

    created_at: str
    """RFC 3339."""

    updated_at: str
    """RFC 3339."""


@dataclass(frozen=True, kw_only=True, repr=False)
class LinkSession(Model):
    """A link session, without its URL."""

    id: str
    """`link_<ULID>`."""

    status: LinkStatus
    """How far it has come."""

    error: str | None = None
    """What went wrong last, as a word: `access_denied`, `invalid_credentials`, …"""

    integrations: list[str]
    """The integrations that the end user may choose among; empty for all."""

    connection_id: str | None = None
    """The connection: the one that is linked again, or that was made."""

    external_id: str | None = None
    """The end user's id in the caller's product."""

    tags: list[str]
    """Free labels for the connection."""

    created_at: str
    """RFC 3339."""

    expires_at: str
    """RFC 3339."""


@dataclass(frozen=True, kw_only=True, repr=False)
class PassthroughResponse(WithHeaders):
    """A passthrough response: any answer of the provider, whatever its status."""

    method: str
    """As sent."""

    path: str
    """As sent, without the base URL; secrets that injection put there are `***`."""

    status_code: int
    """The provider's status."""

    headers: dict[str, HeaderValues]
    """The provider's headers, names as received; one that came more than once is an array."""

    response: Any
    """The body."""

    response_encoding: Literal["json", "text", "base64"]
    """What `response` is: `json`, `text` or `base64`."""

    request_id: str
    """`req_<ULID>`."""

    duration_ms: int
    """The whole, in milliseconds."""

    upstream_duration_ms: int
    """The provider's part of it."""

    attempts: int
    """How many times the provider was called."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Provider(Model):
    """A provider, whole."""

    code: str
    """Its code."""

    name: str
    """The product's name."""

    categories: list[str]
    """What it is about."""

    website: str | None = None
    """The product's home page."""

    docs: str | None = None
    """The API's documentation."""

    status: Literal["live", "beta", "deprecated"]
    """`live`, `beta` or `deprecated`."""

    deprecated_on: str | None = None
    """The day that it goes away."""

    base_url: str
    """Where the API is, with its variables."""

    base_urls: dict[str, str]
    """More places, by the name that goes into `base`."""

    variables: dict[str, Field]
    """What differs between accounts."""

    auth: dict[str, Auth]
    """The ways to authenticate."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ProviderLimit(Model):
    """What a provider said about its own limits; what it did not say is absent."""

    limit: int | None = None
    """Calls in a window."""

    remaining: int | None = None
    """Calls left in it."""

    resets_at: str | None = None
    """When the window ends, or the next call may come: RFC 3339."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ProviderSummary(Model):
    """A provider in a list."""

    code: str
    """Its code."""

    name: str
    """The product's name."""

    categories: list[str]
    """What it is about."""

    status: Literal["live", "beta", "deprecated"]
    """`live`, `beta` or `deprecated`."""

    auth: list[str]
    """The names of its auth entries."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Record(Model):
    """What is kept about one passthrough: no body, no query string, no header."""

    id: str
    """`req_<ULID>`."""

    connection_id: str | None = None
    """The connection, where the token led to one."""

    provider: str | None = None
    """The provider's code."""

    api_key_id: str | None = None
    """The API key."""

    door: Literal["envelope", "raw", "proxy", "terminal", "panora"]
    """The door: `envelope`, `raw`, `proxy`, `terminal` or `panora`."""

    method: str
    """The method."""

    path: str
    """The path, without its query."""

    status_code: int | None = None
    """The provider's status, where it answered."""

    error_code: Ending | None = None
    """Our error code, where we failed."""

    error_reason: str | None = None
    """The reason of the code, where it has several: `detail.reason` or `detail.scope` of the error."""

    origin: Literal["caller", "connection", "provider", "passthrough"] | None = None
    """Who was at fault."""

    sent: Literal["no", "unknown", "yes"]
    """Whether anything reached the provider."""

    attempts: int
    """How many times the provider was called."""

    started_at: str
    """RFC 3339."""

    duration_ms: int
    """The whole, in milliseconds."""

    upstream_duration_ms: int | None = None
    """The provider's part of it."""

    request_bytes: int
    """Bytes of body sent to the provider."""

    response_bytes: int
    """Bytes of body received from the provider."""

    provider_limit: ProviderLimit | None = None
    """What the provider's answer said about its own limits."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Refreshed(Model):
    """The answer of `POST /v1/connections/{id}/refresh`."""

    expires_at: str | None = None
    """RFC 3339; when the new credential ends, where the provider said so."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Replayed(Model):
    """The answer of `POST /v1/events/{id}/replay`."""

    deliveries: int
    """To how many endpoints it is sent again."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Verification(Model):
    """The answer of `POST /v1/connections/{id}/verify`."""

    result: VerificationResult
    """What the call showed."""

    status_code: int | None = None
    """The provider's status, where it answered."""

    message: str
    """A sentence for a person."""

    account: Account | None = None
    """The account, where the answer says it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class WebhookDelivery(Model):
    """The delivery of one event to one endpoint."""

    id: str
    """`dlv_<ULID>`."""

    endpoint_id: str
    """The endpoint."""

    event_id: str
    """The event; also the message's `webhook-id`."""

    status: Literal["pending", "delivered", "failed"]
    """`pending`, `delivered` or `failed`."""

    attempts: int
    """How often it was tried."""

    next_attempt_at: str | None = None
    """RFC 3339; when it is tried next."""

    last_status_code: int | None = None
    """The endpoint's last status, where it answered."""

    last_error: str | None = None
    """A short word for why the last try did not count: `status`, `dns`, `connect`, `tls`, `blocked_address`,
    `total_timeout`.
    """

    created_at: str
    """RFC 3339."""

    delivered_at: str | None = None
    """RFC 3339."""


@dataclass(frozen=True, kw_only=True, repr=False)
class WebhookEndpoint(Model):
    """A webhook endpoint, without its secret."""

    id: str
    """`whk_<ULID>`."""

    url: str
    """Where events are sent to."""

    kinds: list[EventKind]
    """The kinds of events that it is told of; all where empty."""

    enabled: bool
    """Whether it is told of anything."""

    old_secret_until: str | None = None
    """RFC 3339; until when the secret before the last rotation signs, too."""

    created_at: str
    """RFC 3339."""

    updated_at: str
    """RFC 3339."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ConnectionWithToken(Connection):
    """A connection with its token: shown at creation and rotation, never again."""

    token: str = field(metadata=SECRET)
    """`con_tkn_…`."""

    verification: Verification | None = None
    """At creation with `verify`: what the provider said."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CreatedApiKey(ApiKey):
    """An API key just made, with the key: this is the only time that it is shown."""

    key: str = field(metadata=SECRET)
    """`sk_…`."""


@dataclass(frozen=True, kw_only=True, repr=False)
class LinkedConnection(Connection):
    """The connection that was linked."""

    token: str | None = field(default=None, metadata=SECRET)
    """`con_tkn_…`. Absent where an account was linked again that has its token already: that one stays valid, and
    is known only to whoever was given it.
    """


@dataclass(frozen=True, kw_only=True, repr=False)
class WebhookEndpointWithSecret(WebhookEndpoint):
    """A webhook endpoint with its secret: shown at creation and rotation, never again."""

    secret: str = field(metadata=SECRET)
    """`whsec_…`: what a receiver checks signatures with."""
