// The provider of the tests: it says what it was asked, and misbehaves on demand.
import { setTimeout as sleep } from "node:timers/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answer, text } from "./listening.js";

export async function shop(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://shop");
  const [, first, second] = url.pathname.split("/");
  switch (first) {
    case "status":
      return answer(response, Number(second), { status: Number(second) }, { "x-from": "shop" });
    case "text":
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
      return void response.end("plain words");
    case "bytes":
      response.writeHead(200, { "content-type": "application/pdf", "content-disposition": "attachment" });
      return void response.end(Buffer.from([0, 1, 254, 255]));
    case "large":
      response.writeHead(200, { "content-type": "text/plain" });
      return void response.end("x".repeat(200_000));
    case "slow":
      await sleep(Number(url.searchParams.get("ms")));
      return answer(response, 200, { slept: true });
    case "drip": {
      // One line, and the next only when the caller has had the first: see `release`.
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: one\n\n");
      await new Promise<void>((resolve) => {
        release.set(second ?? "", resolve);
        response.once("close", () => {
          gone.add(second ?? "");
          resolve();
        });
      });
      return void response.end("data: two\n\n");
    }
    case "break":
      response.writeHead(200, { "content-type": "text/plain", "content-length": "100" });
      response.write("half");
      await sleep(20);
      return void response.destroy();
    case "redirect":
      response.writeHead(Number(second), { location: url.searchParams.get("to") ?? "/elsewhere" });
      return void response.end();
    case "loop":
      response.writeHead(302, { location: "/loop" });
      return void response.end();
    case "first-chunk": {
      // Answers as soon as the first bytes of the request's body are here.
      const chunk = await new Promise<Buffer>((resolve) => request.once("data", resolve));
      return answer(response, 200, { first: chunk.toString() });
    }
    default:
      return answer(response, 200, {
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: await text(request),
      });
  }
}

/** Ends the waiting of `/drip/<name>`. */
export const release = new Map<string, () => void>();
/** Names of `/drip/<name>` whose caller went away. */
export const gone = new Set<string>();
