# Generated from openapi.json by scripts/generate.py. Not edited by hand.
"""What calls take, as keyword arguments. Each also takes the options of `RequestOptions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Required, TypedDict

from passthrough_sdk._words import OneOrMany, PassThroughRequestDtoMethod, RequestOptions

__all__ = [
    "BodyEncoding",
    "CreateApiKey",
    "CreateConnection",
    "CreateIntegration",
    "CreateLinkSession",
    "CreateWebhookEndpoint",
    "DeleteConnections",
    "EventKind",
    "ExchangePublicToken",
    "FormBody",
    "ListApiKeys",
    "ListConnections",
    "ListEvents",
    "ListIntegrations",
    "ListProviders",
    "ListRequests",
    "ListWebhookDeliveries",
    "ListWebhookEndpoints",
    "Part",
    "PassThroughRequestDto",
    "PatchConnection",
    "PatchIntegration",
    "PatchWebhookEndpoint",
    "ResponseAs",
]

BodyEncoding = Literal["text", "base64"]
"""How `body` is to be read."""

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

FormBody = Mapping[str, OneOrMany] | Sequence[Sequence[str | float | bool]]
"""An object; or pairs of name and value, where order or repetition matters."""


class Part(TypedDict, total=False):
    """One part of a `multipart/form-data` body."""

    name: Required[str]
    """The field's name."""

    value: str | None
    """Its text. This or `base64`."""

    base64: str | None | bytes
    """Its bytes. This or `value`."""

    filename: str | None
    """A file name to send: a name only, never read from a disk."""

    content_type: str | None
    """What the part is."""

ResponseAs = Literal["auto", "json", "text", "base64"]
"""How `response` is to be presented."""


class PassThroughRequestDto(TypedDict, total=False):
    """A passthrough request."""

    method: Required[PassThroughRequestDtoMethod | str]
    """The method."""

    path: Required[str]
    """Begins with `/`; may hold a query."""

    query: Mapping[str, OneOrMany] | None
    """Appended to the path's query; arrays repeat the key."""

    headers: Mapping[str, OneOrMany] | None
    """Headers for the provider. The connection's credential is added by us and always wins."""

    body: Any | bytes
    """A string goes out byte for byte; any other JSON value goes out as JSON, its text unchanged."""

    body_encoding: BodyEncoding | None
    """How `body` is to be read."""

    form: FormBody | None
    """Sent as `application/x-www-form-urlencoded`: an object, or an array of `[name, value]`."""

    multipart: Sequence[Part] | None
    """Sent as `multipart/form-data`."""

    response_as: ResponseAs | None
    """How `response` is to be presented."""

    timeout_ms: int | None
    """Total deadline of this call in milliseconds, up to the configured maximum."""

    base: str | None
    """The name of one of the provider's further base URLs."""


class CreateApiKey(RequestOptions, total=False):
    """`POST /v1/api-keys`."""

    name: Required[str]
    """The operator's own name for it."""

    expires_at: str | None
    """RFC 3339; never, where absent."""


class CreateConnection(RequestOptions, total=False):
    """`POST /v1/connections`."""

    provider: str | None
    """The provider's code. This or `integration`."""

    integration: str | None
    """The integration's key. This or `provider`."""

    auth: str | None
    """The auth entry; may be left out where the credentials say which it is."""

    credentials: Mapping[str, str | float | None] | None
    """The fields of the auth entry."""

    variables: Mapping[str, str | float | None] | None
    """The variables of the provider."""

    external_id: str | None
    """The end user's id in the caller's product."""

    name: str | None
    """The operator's own name for it."""

    tags: Sequence[str] | None
    """Free labels."""

    verify: bool | None
    """Whether to prove the credential before it is stored."""


class CreateIntegration(RequestOptions, total=False):
    """`POST /v1/integrations`."""

    key: str | None
    """Its name in this environment: 1 to 63 of a-z, 0-9 and `-`. The provider's code where absent."""

    provider: Required[str]
    """The provider's code."""

    name: str | None
    """The operator's own name for it."""

    client_id: str | None
    """The OAuth client's id."""

    client_secret: str | None
    """The OAuth client's secret."""

    private_key: str | None
    """A private key in PEM, by which the client shows who it is (`private_key_jwt`)."""

    private_key_id: str | None
    """The private key's id at the provider (`kid`)."""

    scopes: Sequence[str] | None
    """What to ask for in place of the provider's usual scopes."""

    authorize_params: Mapping[str, str | None] | None
    """Further parameters of the page where end users consent."""

    allow_hosts: Sequence[str] | None
    """Hosts that variables of its connections may name: whole names, or domains that begin with a dot."""

    redact_reflections: Literal["none", "headers", "headers-and-bodies"] | None
    """`none`, `headers` or `headers-and-bodies`."""

    variables: Mapping[str, str | float | None] | None
    """Variables that are the same for all of its connections: their users are not asked and cannot change them."""


class CreateLinkSession(RequestOptions, total=False):
    """`POST /v1/link-sessions`."""

    integration: str | None
    """The integration that is linked. This, `providers`, `connectionId`, or none of them: then the end user may
    choose among all.
    """

    providers: Sequence[str] | None
    """Codes of providers, or keys of integrations, among which the end user may choose."""

    connection_id: str | None
    """The connection that is linked again: it keeps its id and its token."""

    external_id: str | None
    """The end user's id in the caller's product."""

    name: str | None
    """The operator's own name for the connection."""

    tags: Sequence[str] | None
    """Free labels for the connection."""

    redirect_url: str | None
    """Where the end user is sent afterwards, with `token` or `error` added to its query. It must be allowed by the
    setting `link.redirect_urls`.
    """

    origin: str | None
    """The origin of the page that opened the link and is told the result by `postMessage`. It must be allowed by
    the setting `link.message_origins`.
    """

    locale: str | None
    """The language of the pages, such as `en` or `de-AT`; the browser's where absent. They are there in English and
    German; where another is asked for, the browser decides which of the two.
    """


class CreateWebhookEndpoint(RequestOptions, total=False):
    """`POST /v1/webhook-endpoints`."""

    url: Required[str]
    """Where events are to be sent to: `https://…`."""

    kinds: Sequence[EventKind] | None
    """The kinds of events that it is told of; all where empty or absent."""


class ExchangePublicToken(RequestOptions, total=False):
    """`POST /v1/public-token/exchange`."""

    public_token: Required[str]
    """`pub_tkn_…`, as the link ended with."""


class PatchConnection(RequestOptions, total=False):
    """`PATCH /v1/connections/{id}`. What is absent stays; `null` clears."""

    name: str | None
    """The operator's own name for it."""

    external_id: str | None
    """The end user's id in the caller's product."""

    tags: Sequence[str] | None
    """Free labels, all of them."""

    status: Literal["archived", "connected"] | None
    """`archived` puts it away, `connected` takes it back."""

    credentials: Mapping[str, str | float | None] | None
    """New fields of the auth entry, all of them."""

    variables: Mapping[str, str | float | None] | None
    """New variables, all of them."""


class PatchIntegration(RequestOptions, total=False):
    """`PATCH /v1/integrations/{key}`. What is absent stays; `null` clears. Key and provider cannot be changed."""

    name: str | None
    """The operator's own name for it."""

    client_id: str | None
    """The OAuth client's id."""

    client_secret: str | None
    """The OAuth client's secret."""

    private_key: str | None
    """A private key in PEM."""

    private_key_id: str | None
    """The private key's id at the provider."""

    scopes: Sequence[str] | None
    """What to ask for, all of it; `null` for the provider's usual scopes."""

    authorize_params: Mapping[str, str | None] | None
    """Further parameters of the page where end users consent, all of them."""

    allow_hosts: Sequence[str] | None
    """Hosts that variables of its connections may name, all of them."""

    redact_reflections: Literal["none", "headers", "headers-and-bodies"] | None
    """`none`, `headers` or `headers-and-bodies`; `null` for what the provider's file says."""

    variables: Mapping[str, str | float | None] | None
    """Variables that are the same for all of its connections, all of them."""


class PatchWebhookEndpoint(RequestOptions, total=False):
    """`PATCH /v1/webhook-endpoints/{id}`. What is absent stays."""

    url: str | None
    """Where events are to be sent to."""

    kinds: Sequence[EventKind] | None
    """The kinds of events that it is told of, all of them; all kinds where empty."""

    enabled: bool | None
    """Whether it is told of anything."""


class DeleteConnections(RequestOptions, total=False):
    """What stands in the query."""

    revoke: bool
    """Give the grant back to the provider first (OAuth 2.0)"""


class ListApiKeys(RequestOptions, total=False):
    """What stands in the query."""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListConnections(RequestOptions, total=False):
    """What stands in the query."""

    provider: str
    """Only those at this provider"""

    integration: str
    """Only those of this integration"""

    status: Literal["connected", "disconnected", "archived"]
    """Only those of this status"""

    external_id: str
    """Only those of this end user"""

    tag: str
    """Only those with this tag"""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListEvents(RequestOptions, total=False):
    """What stands in the query."""

    type: EventKind
    """Only those of this type"""

    connection: str
    """Only those of this connection, `conn_…`"""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListIntegrations(RequestOptions, total=False):
    """What stands in the query."""

    provider: str
    """Only those of this provider"""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListProviders(RequestOptions, total=False):
    """What stands in the query."""

    category: str
    """Only those of this category"""


class ListRequests(RequestOptions, total=False):
    """What stands in the query."""

    connection_id: str
    """Only those on this connection"""

    provider: str
    """Only those to this provider"""

    status: str
    """The provider's status: `404`, or a class: `4xx`"""

    error_code: str
    """Only those that failed with this code"""

    from_: str
    """RFC 3339, inclusive"""

    to: str
    """RFC 3339, exclusive"""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListWebhookDeliveries(RequestOptions, total=False):
    """What stands in the query."""

    endpoint: str
    """Only those to this endpoint, `whk_…`"""

    event: str
    """Only those of this event, `evt_…`"""

    status: Literal["pending", "delivered", "failed"]
    """Only those of this status"""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""


class ListWebhookEndpoints(RequestOptions, total=False):
    """What stands in the query."""

    cursor: str
    """`next` of the page before"""

    limit: int
    """1 to 500; 50 where absent"""
