// Checks that a webhook came from your server, as Standard Webhooks has it. Needs no server and no API key.
import type { PassthroughEvent } from "./models/schemas.js";

/** The message is not to be believed. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
}

export type WebhookMessage = {
  /** `whsec_…`, as it was shown when the endpoint was made. */
  secret: string;
  /** Of the request: `Headers`, or an object with names in lower case, as Node.js has it. */
  headers: Headers | { [name: string]: string | string[] | undefined };
  /** The request's body, byte for byte: JSON that was parsed and written again has another signature. */
  body: string | ArrayBuffer | ArrayBufferView;
  /** How far the message's time may be from now, in seconds. 300 where absent. */
  toleranceSeconds?: number;
};

/** The event, if the signature is right. Remember the ids of events: a message may come more than once. */
export async function verifyWebhook(message: WebhookMessage): Promise<PassthroughEvent> {
  const { headers, toleranceSeconds = 300 } = message;
  // Nothing is greater than NaN.
  if (typeof toleranceSeconds !== "number" || !(toleranceSeconds >= 0)) {
    throw new WebhookVerificationError("toleranceSeconds is no number of seconds");
  }
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  // An old message that somebody recorded would otherwise be good for ever.
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!/^\d+$/.test(timestamp) || age > toleranceSeconds) {
    throw new WebhookVerificationError("webhook-timestamp is too far from now");
  }
  const encoder = new TextEncoder();
  const body = typeof message.body === "string" ? encoder.encode(message.body) : bytesOf(message.body);
  const signed = joined(encoder.encode(`${id}.${timestamp}.`), body);
  const key = await secretKey(message.secret);
  // For a day after a rotation there are two signatures; either will do.
  for (const part of header(headers, "webhook-signature").split(" ")) {
    const [version, signature] = part.split(",");
    if (version !== "v1" || !signature) continue;
    const bytes = base64(signature);
    // WebCrypto compares in constant time.
    if (bytes && (await crypto.subtle.verify("HMAC", key, bytes, signed))) {
      return parsed(new TextDecoder().decode(body));
    }
  }
  throw new WebhookVerificationError("no signature is right");
}

function parsed(text: string): PassthroughEvent {
  try {
    return JSON.parse(text) as PassthroughEvent;
  } catch {
    throw new WebhookVerificationError("the body is signed, but is not JSON");
  }
}

function bytesOf(body: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new WebhookVerificationError("the body is neither text nor bytes");
}

function header(headers: WebhookMessage["headers"], name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : headers?.[name];
  if (typeof value !== "string") throw new WebhookVerificationError(`${name} is missing`);
  return value;
}

async function secretKey(secret: string): Promise<CryptoKey> {
  const bytes = typeof secret === "string" && base64(secret.replace(/^whsec_/, ""));
  if (!bytes || !bytes.length) throw new WebhookVerificationError("the secret is none; it begins with whsec_");
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
