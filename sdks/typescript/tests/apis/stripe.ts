// Behaves like the parts of Stripe's API that the test uses: form bodies, errors, lists in pages, idempotency keys.
import type { IncomingMessage, ServerResponse } from "node:http";
import { CREDENTIAL } from "../credential.js";
import { answer, text } from "../listening.js";

export async function stripe(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stripe");
  if (request.headers.authorization !== `Bearer ${CREDENTIAL}`) {
    return answer(response, 401, { error: { message: "Invalid API Key provided", type: "invalid_request_error" } });
  }
  if (request.method === "POST" && url.pathname === "/v1/customers") {
    const form = new URLSearchParams(await text(request));
    const metadata = { plan: form.get("metadata[plan]"), key: request.headers["idempotency-key"] };
    return answer(response, 200, { id: "cus_1", object: "customer", email: form.get("email"), metadata });
  }
  if (request.method === "GET" && url.pathname === "/v1/customers") {
    const second = url.searchParams.get("starting_after") === "cus_2";
    const data = (second ? ["cus_3"] : ["cus_1", "cus_2"]).map((id) => ({ id, object: "customer" }));
    return answer(response, 200, { object: "list", url: "/v1/customers", has_more: !second, data });
  }
  if (url.pathname === "/v1/charges") {
    const error = { type: "card_error", code: "card_declined", message: "Your card was declined." };
    return answer(response, 402, { error }, { "request-id": "req_stripe" });
  }
  answer(response, 404, { error: { message: "Unrecognized request URL", type: "invalid_request_error" } });
}
