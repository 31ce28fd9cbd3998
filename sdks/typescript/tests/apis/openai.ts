// Behaves like the parts of OpenAI's API that the test uses: errors, models, completions at once and as a stream.
import type { IncomingMessage, ServerResponse } from "node:http";
import { answer, text } from "../listening.js";
import { CREDENTIAL } from "../credential.js";

/** Lets the stream go on after its first word. */
export const goOn = { now: () => {} };

export async function openai(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.headers.authorization !== `Bearer ${CREDENTIAL}`) {
    return answer(response, 401, { error: { message: "Incorrect API key provided", type: "invalid_request_error" } });
  }
  if (request.method === "GET" && request.url === "/v1/models") {
    return answer(response, 200, { object: "list", data: [{ id: "small", object: "model", created: 1, owned_by: "us" }] });
  }
  if (request.method === "POST" && request.url === "/v1/chat/completions") {
    const asked = JSON.parse(await text(request));
    return asked.stream ? stream(asked.model, response) : answer(response, 200, completion(asked.model));
  }
  if (request.method === "POST" && request.url === "/v1/files") {
    const form = await text(request);
    const filename = /filename="([^"]+)"/.exec(form)?.[1];
    return answer(response, 200, { id: "file-1", object: "file", bytes: form.length, filename, purpose: "assistants" });
  }
  answer(response, 404, { error: { message: `Unknown request URL: ${request.url}`, type: "invalid_request_error" } });
}

function completion(model: string) {
  const message = { role: "assistant", content: "Hello there" };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return { id: "chatcmpl-1", object: "chat.completion", created: 1, model, choices };
}

async function stream(model: string, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const word = (content: string, finish_reason: string | null = null) => {
    const choices = [{ index: 0, delta: { content }, finish_reason }];
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model, choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  word("Hello");
  await new Promise<void>((resolve) => (goOn.now = resolve));
  word(" there", "stop");
  response.end("data: [DONE]\n\n");
}
