"""Which operation of the API is which method of the SDK. Everything else about it is read from openapi.json."""

import re
from dataclasses import dataclass
from typing import Any

TABLE = """
connections     list            GET     /v1/connections
connections     create          POST    /v1/connections
connections     get             GET     /v1/connections/{id}
connections     update          PATCH   /v1/connections/{id}
connections     delete          DELETE  /v1/connections/{id}
connections     verify          POST    /v1/connections/{id}/verify
connections     refresh         POST    /v1/connections/{id}/refresh
connections     rotate_token    POST    /v1/connections/{id}/rotate-token
connections     get_current     GET     /v1/connections/current
connections     update_current  PATCH   /v1/connections/current
connections     delete_current  DELETE  /v1/connections/current
integrations    list            GET     /v1/integrations
integrations    create          POST    /v1/integrations
integrations    get             GET     /v1/integrations/{key}
integrations    update          PATCH   /v1/integrations/{key}
integrations    delete          DELETE  /v1/integrations/{key}
link_sessions   create          POST    /v1/link-sessions
link_sessions   get             GET     /v1/link-sessions/{id}
public_token    exchange        POST    /v1/public-token/exchange
events          list            GET     /v1/events
events          get             GET     /v1/events/{id}
events          replay          POST    /v1/events/{id}/replay
webhook_endpoints   list            GET     /v1/webhook-endpoints
webhook_endpoints   create          POST    /v1/webhook-endpoints
webhook_endpoints   get             GET     /v1/webhook-endpoints/{id}
webhook_endpoints   update          PATCH   /v1/webhook-endpoints/{id}
webhook_endpoints   delete          DELETE  /v1/webhook-endpoints/{id}
webhook_endpoints   rotate_secret   POST    /v1/webhook-endpoints/{id}/rotate-secret
webhook_endpoints   test            POST    /v1/webhook-endpoints/{id}/test
webhook_deliveries  list            GET     /v1/webhook-deliveries
webhook_deliveries  get             GET     /v1/webhook-deliveries/{id}
webhook_deliveries  replay          POST    /v1/webhook-deliveries/{id}/replay
providers       list            GET     /v1/providers
providers       get             GET     /v1/providers/{code}
api_keys        list            GET     /v1/api-keys
api_keys        create          POST    /v1/api-keys
api_keys        revoke          DELETE  /v1/api-keys/{id}
requests        list            GET     /v1/requests
requests        get             GET     /v1/requests/{id}
health          live            GET     /healthz
health          ready           GET     /readyz
"""

# Written by hand: the passthrough itself. Not for callers: what a monitor, a person or a generator reads.
BY_HAND = {"/v1/passthrough", "/v1/passthrough/raw", "/v1/proxy/{path}", "/metrics", "/docs", "/openapi.json"}

# Dialects are for other people's SDKs.
DIALECTS = {"Panora", "Terminal's dialect"}

ABOUT = {
    "connections": "Your customers' accounts.",
    "integrations": "Providers as they are set up in this environment.",
    "link_sessions": "Pages on which your users authorise their accounts.",
    "public_token": "What a linked user comes back with.",
    "events": "What happened to connections and integrations.",
    "webhook_endpoints": "Where events are sent to.",
    "webhook_deliveries": "Events on their way to endpoints.",
    "providers": "The catalog.",
    "api_keys": "What calling applications present.",
    "requests": "The records: one line about each passthrough.",
    "health": "Whether the server lives, and whether it should get requests.",
}


@dataclass(frozen=True)
class Named:
    """An operation and its place in the SDK."""

    resource: str
    method: str
    verb: str
    path: str


OPERATIONS = [Named(*line.split()) for line in TABLE.strip().splitlines()]


def class_name(resource: str) -> str:
    """`link_sessions` as `LinkSessions`."""
    return "".join(word.capitalize() for word in resource.split("_"))


def parameters_name(operation: Named) -> str:
    """The name of the class of its query's parameters: `ListConnections`."""
    return operation.method.split("_")[0].capitalize() + class_name(operation.resource)


def described_at(api: dict[str, Any], operation: Named) -> dict[str, Any]:
    """What openapi.json says about it."""
    return api["paths"][operation.path][operation.verb.lower()]


def body_of(api: dict[str, Any], operation: Named) -> str | None:
    """The name of the schema of its body."""
    content = described_at(api, operation).get("requestBody", {}).get("content", {})
    return next((one["schema"]["$ref"].rsplit("/", 1)[1] for one in content.values()), None)


def query_of(api: dict[str, Any], operation: Named) -> list[dict[str, Any]]:
    """Its query parameters."""
    return [one for one in described_at(api, operation).get("parameters", []) if one["in"] == "query"]


def path_names(operation: Named) -> list[str]:
    """The names in its path."""
    return re.findall(r"\{(\w+)\}", operation.path)
