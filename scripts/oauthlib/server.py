"""A server of OAuth 1.0a for the tests, and an API that wants signed requests.

    python3 server.py PORT

Every signature is verified by oauthlib: method, address, parameters, time and nonce (one that comes twice is refused).

PUT /clients makes a client known: {key, secret}, and with {token, token_secret, realm?} a token of its own, as an
administrator makes them at NetSuite. /request, /authorize and /access are the three steps of a consent; nobody has to
click: /authorize sends back at once, or with `deny` as a user who refuses. What is below /api answers those who signed.

PUT /hmac makes a key known: {key, secret}. What is below /hmac answers those who signed as Bybit's documentation has it.
"""

import hashlib
import hmac
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_PLAINTEXT,
    RequestValidator,
    WebApplicationServer,
)
from oauthlib.oauth1.rfc5849.errors import OAuth1Error
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

CLIENTS, TEMPORARY, LASTING, NONCES, HMAC_KEYS = {}, {}, {}, set(), {}
PORT = int(sys.argv[1])
REALM = "api"


class Validator(RequestValidator):
    enforce_ssl = False
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_PLAINTEXT)
    realms = [REALM]
    dummy_client = dummy_request_token = dummy_access_token = "nobody"

    # Lengths and alphabets are for servers that choose their own.
    def _any(self, value):
        return bool(value)

    check_client_key = check_nonce = check_request_token = check_access_token = check_verifier = _any

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):
        once = (client_key, timestamp, nonce, request_token, access_token)
        fresh = once not in NONCES
        NONCES.add(once)
        return fresh

    def validate_client_key(self, client_key, request):
        return client_key in CLIENTS

    def get_client_secret(self, client_key, request):
        return CLIENTS.get(client_key, {}).get("secret", "nothing")

    def validate_request_token(self, client_key, token, request):
        return TEMPORARY.get(token, {}).get("client") == client_key

    def get_request_token_secret(self, client_key, token, request):
        return TEMPORARY.get(token, {}).get("secret", "nothing")

    def validate_access_token(self, client_key, token, request):
        return LASTING.get(token, {}).get("client") == client_key

    def get_access_token_secret(self, client_key, token, request):
        return LASTING.get(token, {}).get("secret", "nothing")

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def get_default_realms(self, client_key, request):
        return [REALM]

    def get_realms(self, token, request):
        return [REALM]

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        wanted = LASTING.get(token, {}).get("realm")
        header = request.headers.get("Authorization", "")
        told = dict(parse_authorization_header(header)).get("realm")
        request.told_realm = told
        return wanted is None or wanted == told

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri.startswith("http")

    def get_redirect_uri(self, token, request):
        return TEMPORARY[token]["callback"]

    def verify_request_token(self, token, request):
        return token in TEMPORARY

    def verify_realms(self, token, realms, request):
        return True

    def validate_verifier(self, client_key, token, verifier, request):
        return verifier is not None and TEMPORARY.get(token, {}).get("verifier") == verifier

    def save_request_token(self, token, request):
        TEMPORARY[token["oauth_token"]] = {
            "client": request.client_key,
            "secret": token["oauth_token_secret"],
            "callback": request.redirect_uri,
        }

    def save_verifier(self, token, verifier, request):
        TEMPORARY[token]["verifier"] = verifier["oauth_verifier"]

    def save_access_token(self, token, request):
        LASTING[token["oauth_token"]] = {"client": request.client_key, "secret": token["oauth_token_secret"]}

    def invalidate_request_token(self, client_key, request_token, request):
        TEMPORARY.pop(request_token, None)


SERVER = WebApplicationServer(Validator())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        self.send_response(status)
        if not isinstance(body, str):
            self.send_header("Content-Type", "application/json")
            body = json.dumps(body)
        body = body.encode()
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "surrogateescape")
        # As it came: nothing here may be tidied before it is verified.
        self.uri = f"http://{self.headers['Host']}{self.path}"
        path = urlsplit(self.path).path
        first = path.split("/")[1]
        try:
            getattr(self, f"on_{first}", lambda: self.answer(404, "nothing here"))()
        except OAuth1Error as error:
            self.answer(error.status_code, error.urlencoded)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = serve

    def signed(self):
        return self.uri, self.command, self.body, dict(self.headers)

    def on_ready(self):
        self.answer(200, {})

    def on_clients(self):
        client = json.loads(self.body)
        CLIENTS[client["key"]] = client
        if "token" in client:
            token = {"client": client["key"], "secret": client["token_secret"], "realm": client.get("realm")}
            LASTING[client["token"]] = token
        self.answer(200, {})

    def on_request(self):
        headers, body, status = SERVER.create_request_token_response(*self.signed())
        self.answer(status, body or "", headers.items())

    def on_access(self):
        headers, body, status = SERVER.create_access_token_response(*self.signed())
        self.answer(status, body or "", headers.items())

    def on_authorize(self):
        query = parse_qs(urlsplit(self.path).query)
        token = query["oauth_token"][0]
        if "deny" in query:
            callback = TEMPORARY[token]["callback"]
            back = callback + ("&" if "?" in callback else "?") + urlencode({"denied": token})
            return self.answer(302, "", [("Location", back)])
        SERVER.get_realms_and_credentials(*self.signed())
        headers, body, status = SERVER.create_authorization_response(*self.signed(), [REALM], {})
        return self.answer(status, body or "", headers.items())

    def on_api(self):
        valid, request = SERVER.validate_protected_resource_request(*self.signed(), realms=[REALM])
        if not valid:
            problem = {"oauth_problem": "signature_invalid"}
            return self.answer(401, problem, [("WWW-Authenticate", 'OAuth realm="api"')])
        seen = {
            "client": request.client_key,
            "token": request.resource_owner_key is not None,
            "realm": getattr(request, "told_realm", None),
            "method": request.signature_method,
            "parameters": sorted(map(list, request.params)),
            "bytes": len(self.body),
        }
        return self.answer(200, seen)

    def on_hmac(self):
        if self.command == "PUT" and self.path == "/hmac":
            key = json.loads(self.body)
            HMAC_KEYS[key["key"]] = key["secret"]
            return self.answer(200, {})
        parts = urlsplit(self.path)
        key, sent = self.headers.get("X-BAPI-API-KEY", ""), self.headers.get("X-BAPI-TIMESTAMP", "")
        window = self.headers.get("X-BAPI-RECV-WINDOW", "")
        text = sent + key + window + (parts.query if self.command == "GET" else self.body)
        wanted = hmac.new(HMAC_KEYS.get(key, secrets.token_hex()).encode(), text.encode(), hashlib.sha256)
        fresh = sent.isdigit() and abs(time.time() * 1000 - int(sent)) <= int(window)
        if not fresh or not hmac.compare_digest(wanted.hexdigest(), self.headers.get("X-BAPI-SIGN", "")):
            return self.answer(200, {"retCode": 10004, "retMsg": "error sign! please check your signature"})
        return self.answer(200, {"retCode": 0, "result": {"query": parts.query, "body": self.body}})


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
