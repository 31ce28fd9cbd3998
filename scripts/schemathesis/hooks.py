"""What schemathesis has to know of this API besides its description.

Traffic stays on this machine: whatever is made up as a provider or as an address of a webhook is the demo's, or leads
to a closed port. And the API key and the connection of the run itself stay what they are.
"""

import os

import requests
import schemathesis

SERVER = os.environ["OPENAPI_TEST_SERVER"]
KEY = os.environ["OPENAPI_TEST_KEY"]
TOKEN = os.environ["OPENAPI_TEST_TOKEN"]
CONNECTION = os.environ["OPENAPI_TEST_CONNECTION"]
KEY_ID = os.environ["OPENAPI_TEST_KEY_ID"]

NOWHERE = "https://127.0.0.1:9/hook"
DEMO = {"provider": "demo", "credentials": {"api_key": "bookshop-key-5c0ffee"}}


def throwaway():
    """A connection that may be changed, disconnected and deleted."""
    made = requests.post(f"{SERVER}/v1/connections", json=DEMO, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
    made.raise_for_status()
    return made.json()


@schemathesis.hook
def map_body(context, body):
    """Providers of the catalog are on the internet."""
    if isinstance(body, dict):
        body = dict(body)
        if isinstance(body.get("provider"), str):
            body["provider"] = "demo"
            if isinstance(body.get("credentials"), dict) and body["credentials"]:
                body["credentials"] = DEMO["credentials"]
                body.pop("auth", None)
        if isinstance(body.get("url"), str) and body["url"].startswith("http"):
            body["url"] = NOWHERE
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    """Only other keys are revoked, and only other connections are changed."""
    parameters = case.path_parameters or {}
    if parameters.get("id") == KEY_ID:
        parameters["id"] = "key_01M805WQ32ZKWR68SDHP2J0YHP"
    if parameters.get("id") == CONNECTION:
        parameters["id"] = throwaway()["id"]
    if case.path.endswith("/connections/current") and case.method != "GET":
        for name, value in dict(case.headers or {}).items():
            if value == TOKEN:
                case.headers[name] = throwaway()["token"]
