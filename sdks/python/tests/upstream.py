"""A small provider on loopback: an echo, some statuses, streams, and answers of OpenAI, Anthropic and GitHub.

It notes every request, so that a test can see what has arrived.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPENAI_KEY = "sk-real-openai-key"
ANTHROPIC_KEY = "sk-ant-real-key"


PLAIN = {
    "/array": (200, "application/json", b"[1, 2]"),
    "/null": (200, "application/json", b"null"),
    "/text": (200, "text/plain; charset=iso-8859-1", b"gr\xfc\xdf"),
    "/xml": (200, "application/xml", b"<a>1</a>"),
    "/empty": (200, "application/json", b""),
}
"""Status, content type and body."""


@dataclass(frozen=True)
class Seen:
    """A request that has arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """The provider and what it has seen."""

    url: str
    seen: list[Seen] = field(default_factory=list[Seen])
    release: threading.Event = field(default_factory=threading.Event)
    """Lets the second half of `/slow-stream` go."""


def start() -> Upstream:
    """Starts it on a free port; it ends with the process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upstream = Upstream(f"http://127.0.0.1:{server.server_port}")
    server.upstream = upstream  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return upstream


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        body = (
            self.rfile.read(int(self.headers.get("content-length") or 0))
            if "chunked" not in str(self.headers.get("transfer-encoding"))
            else self.read_chunks()
        )
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, body)
        self.upstream.seen.append(seen)
        route = self.path.partition("?")[0]
        if route.startswith("/status/"):
            self.answer(int(route.removeprefix("/status/")), {"error": "as asked"})
        elif route == "/bytes":
            self.plain(200, "application/octet-stream", bytes(range(256)) * 4096)
        elif route in PLAIN:
            self.plain(*PLAIN[route])
        elif route == "/slow-stream":
            self.pieces("text/event-stream", [b"data: one\n\n", b"data: two\n\n"])
        elif route == "/redirect":
            self.plain(302, "text/plain", b"", {"Location": "https://elsewhere.example/x"})
        elif route == "/v1/chat/completions":
            self.openai(seen)
        elif route == "/user":
            self.answer(200, {"login": "us", "id": 1})
        elif route == "/v1/messages":
            self.anthropic(seen)
        else:
            # The server masks what it put in, but a test should not lean on that.
            shown = {name: value for name, value in headers.items() if name != "authorization"}
            text = body.decode("utf-8", "replace")
            self.answer(200, {"method": seen.method, "path": seen.path, "headers": shown, "body": text})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    @property
    def upstream(self) -> Upstream:
        return self.server.upstream  # type: ignore[attr-defined]

    def read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status: int, value: Any) -> None:
        self.plain(status, "application/json", json.dumps(value).encode())

    def plain(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pieces(self, kind: str, pieces: list[bytes]) -> None:
        """A stream whose second piece waits until the test has read the first."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, piece in enumerate(pieces):
            if number == 1:
                self.upstream.release.wait(10)
                self.upstream.release.clear()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def openai(self, seen: Seen) -> None:
        asked = json.loads(seen.body)
        if seen.headers.get("authorization") != f"Bearer {OPENAI_KEY}":
            return self.answer(401, {"error": {"message": "wrong key", "type": "invalid_request_error"}})
        if asked["model"] == "overloaded":
            return self.answer(429, {"error": {"message": "slow down", "type": "requests"}})
        words, base = ["Good", " ", "day"], {"id": "chatcmpl-1", "created": int(time.time()), "model": asked["model"]}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return self.answer(200, base | {"object": "chat.completion", "choices": [choice]})
        chunks = [
            base | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": word}}]}
            for word in words
        ]
        events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
        return self.pieces("text/event-stream", [*events, b"data: [DONE]\n\n"])

    def anthropic(self, seen: Seen) -> None:
        asked = json.loads(seen.body)
        if seen.headers.get("x-api-key") != ANTHROPIC_KEY:
            error = {"type": "authentication_error", "message": "wrong key"}
            return self.answer(401, {"type": "error", "error": error})
        message: dict[str, Any] = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        if not asked.get("stream"):
            text = {"type": "text", "text": "Good day"}
            return self.answer(200, message | {"content": [text], "stop_reason": "end_turn"})
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " day"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ]
        return self.pieces(
            "text/event-stream", [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
        )

    def log_message(self, format: str, *args: Any) -> None:
        pass
