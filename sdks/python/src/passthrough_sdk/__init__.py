"""Authenticated HTTP requests to your customers' accounts at third-party APIs, through a Passthrough server.

from passthrough_sdk import Passthrough

with Passthrough(api_key="sk_…", server_url="https://passthrough.example") as passthrough:
    result = passthrough.request(
        x_connection_token="con_tkn_…",
        pass_through_request_dto={"method": "GET", "path": "/orders"},
    )
    print(result.status_code, result.response)
"""

from passthrough_sdk import errors, models, params, webhooks
from passthrough_sdk._client import AsyncPassthrough, Passthrough
from passthrough_sdk._version import VERSION as __version__
from passthrough_sdk._words import PassThroughRequestDtoMethod, RequestOptions
from passthrough_sdk.errors import (
    InvalidRequestError,
    NoAnswerError,
    PassthroughError,
    RequestTimeoutError,
    SDKError,
    SDKValidationError,
    ServerConnectionError,
    WebhookVerificationError,
)
from passthrough_sdk.params import PassThroughRequestDto
from passthrough_sdk.retries import BackoffStrategy, RetryConfig

__all__ = [
    "AsyncPassthrough",
    "BackoffStrategy",
    "InvalidRequestError",
    "NoAnswerError",
    "PassThroughRequestDto",
    "PassThroughRequestDtoMethod",
    "Passthrough",
    "PassthroughError",
    "RequestOptions",
    "RequestTimeoutError",
    "RetryConfig",
    "SDKError",
    "SDKValidationError",
    "ServerConnectionError",
    "WebhookVerificationError",
    "__version__",
    "errors",
    "models",
    "params",
    "webhooks",
]
