"""Official SDKs of other APIs, unmodified, through a connection.

Both hold a key that is none; the real one is put in by the server, as the catalog's own files for these providers say.
"""

from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from upstream import ANTHROPIC_KEY, OPENAI_KEY, Upstream

from passthrough_sdk import AsyncPassthrough, Passthrough
from passthrough_sdk.httpx2 import async_transport, transport

NONE = "not-a-key"
ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Good what?"}]


def test_openai(passthrough: Passthrough, upstream: Upstream, openai_token: str) -> None:
    # This SDK takes clients of httpx and of httpx2; its annotations know the latter alone.
    bound: Any = httpx.Client(transport=passthrough.proxy.transport(openai_token))
    client = openai.OpenAI(api_key=NONE, http_client=bound)
    answer = client.chat.completions.create(model="m", messages=ASKED)
    assert answer.choices[0].message.content == "Good day"

    stream = client.chat.completions.create(model="m", messages=ASKED, stream=True)
    words = iter(stream)
    first = next(words)
    # The provider sends the rest only now.
    upstream.release.set()
    assert "".join(str(one.choices[0].delta.content) for one in (first, *words)) == "Good day"

    with pytest.raises(openai.RateLimitError, match="slow down"):
        client.with_options(max_retries=0).chat.completions.create(model="overloaded", messages=ASKED)
    assert upstream.seen[-1].headers["authorization"] == f"Bearer {OPENAI_KEY}"
    client.close()


@pytest.mark.anyio
async def test_openai_in_async_code(async_passthrough: AsyncPassthrough, upstream: Upstream, openai_token: str) -> None:
    bound: Any = httpx.AsyncClient(transport=async_passthrough.proxy.transport(openai_token))
    async with openai.AsyncOpenAI(api_key=NONE, http_client=bound) as client:
        upstream.release.set()
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        assert "".join([str(one.choices[0].delta.content) async for one in stream]) == "Good day"


def test_anthropic(passthrough: Passthrough, upstream: Upstream, anthropic_token: str) -> None:
    bound = httpx2.Client(transport=transport(passthrough, anthropic_token))
    client = anthropic.Anthropic(api_key=NONE, http_client=bound)
    answer = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Good what?"}])
    assert answer.content[0].type == "text" and answer.content[0].text == "Good day"
    upstream.release.set()
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "?"}]) as stream:
        assert list(stream.text_stream) == ["Good", " day"]
    assert upstream.seen[-1].headers["x-api-key"] == ANTHROPIC_KEY
    client.close()


@pytest.mark.anyio
async def test_anthropic_in_async_code(
    async_passthrough: AsyncPassthrough, upstream: Upstream, anthropic_token: str
) -> None:
    bound = httpx2.AsyncClient(transport=async_transport(async_passthrough, anthropic_token))
    async with anthropic.AsyncAnthropic(api_key=NONE, http_client=bound) as client:
        upstream.release.set()
        async with client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "?"}]
        ) as stream:
            assert [text async for text in stream.text_stream] == ["Good", " day"]
