import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { verifyWebhook, type WebhookMessage, WebhookVerificationError } from "@passthrough/sdk";
import type { PassthroughEvent } from "@passthrough/sdk/models/components";
import { verifyWebhook as standalone } from "@passthrough/sdk/webhooks.js";
import { listen, text } from "./listening.js";
import { sdk } from "./world.js";

test("a webhook of the real server is verified, also after its secret was rotated", async () => {
  const received: ((message: Omit<WebhookMessage, "secret">) => void)[] = [];
  const receiver = await listen(async (request, response) => {
    const body = await text(request);
    response.writeHead(204).end();
    received.shift()?.({ headers: request.headers, body });
  });
  const endpoint = await sdk.webhookEndpoints.create({ url: receiver.url, kinds: ["connection.deleted"] });
  const next = () => new Promise<Omit<WebhookMessage, "secret">>((resolve) => received.push(resolve));

  const first = next();
  const delivery = await sdk.webhookEndpoints.test({ id: endpoint.id });
  const message = { ...(await first), secret: endpoint.secret };
  const event: PassthroughEvent = await verifyWebhook(message);
  assert.deepEqual([event.id, event.type], [delivery.eventId, "webhook.test"]);
  assert.deepEqual(await standalone({ ...message, headers: new Headers(message.headers as HeadersInit) }), event);
  assert.deepEqual(await verifyWebhook({ ...message, body: Buffer.from(message.body as string) }), event);

  const rotated = await sdk.webhookEndpoints.rotateSecret({ id: endpoint.id });
  const second = next();
  await sdk.webhookDeliveries.replay({ id: delivery.id }, { retryCodes: ["409"], retries: { ...patient, repeatWrites: true } });
  const again = await second;
  for (const secret of [endpoint.secret, rotated.secret]) assert.deepEqual(await verifyWebhook({ ...again, secret }), event);

  const wrong: [Partial<WebhookMessage>, RegExp][] = [
    [{ secret: "whsec_b3RoZXI=" }, /no signature/],
    [{ secret: "whsec_" }, /secret/],
    [{ secret: "whsec_%" }, /secret/],
    [{ body: `${message.body} ` }, /no signature/],
    [{ headers: { ...message.headers, "webhook-id": "evt_other" } }, /no signature/],
    [{ headers: { ...message.headers, "webhook-signature": "v1,%%% v2,x v1" } }, /no signature/],
    [{ headers: { ...message.headers, "webhook-timestamp": "1" } }, /too far/],
    [{ headers: { ...message.headers, "webhook-timestamp": "NaN" } }, /too far/],
    [{ headers: {} }, /missing/],
  ];
  for (const [change, expected] of wrong) {
    await assert.rejects(verifyWebhook({ ...message, ...change }), (error) => {
      assert.ok(error instanceof WebhookVerificationError);
      assert.match(error.message, expected);
      return true;
    });
  }

  assert.equal((await sdk.webhookDeliveries.get({ id: delivery.id })).endpointId, endpoint.id);
  assert.equal((await sdk.webhookDeliveries.list({ endpoint: endpoint.id })).results.length, 1);
  const off = await sdk.webhookEndpoints.update({ id: endpoint.id, enabled: false });
  assert.deepEqual([off.enabled, (await sdk.webhookEndpoints.get({ id: endpoint.id })).enabled], [false, false]);
  assert.ok((await sdk.webhookEndpoints.list()).results.some(({ id }) => id === endpoint.id));
  await sdk.webhookEndpoints.delete({ id: endpoint.id });
  receiver.close();
});

test("an old message is refused, unless a longer time is allowed", async () => {
  const secret = `whsec_${Buffer.from("key").toString("base64")}`;
  const timestamp = String(Math.floor(Date.now() / 1000) - 600);
  const body = '{"id":"evt_1"}';
  const signature = createHmac("sha256", "key").update(`evt_1.${timestamp}.${body}`).digest("base64");
  const headers = { "webhook-id": "evt_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  await assert.rejects(verifyWebhook({ secret, headers, body }), WebhookVerificationError);
  assert.deepEqual(await verifyWebhook({ secret, headers, body, toleranceSeconds: 700 }), { id: "evt_1" });
});

const patient = {
  strategy: "backoff",
  backoff: { initialInterval: 50, maxInterval: 200, exponent: 1.5, maxElapsedTime: 10_000 },
} as const;

test("whatever is wrong is a WebhookVerificationError, and bytes may come as an ArrayBuffer", async () => {
  const secret = `whsec_${Buffer.from("key").toString("base64")}`;
  const signed = (body: string, timestamp = String(Math.floor(Date.now() / 1000))) => {
    const signature = createHmac("sha256", "key").update(`evt_1.${timestamp}.${body}`).digest("base64");
    return { "webhook-id": "evt_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
  };
  const body = '{"id":"evt_1"}';
  const good = { secret, headers: signed(body), body };
  const wrong = [
    { secret: undefined },
    { secret: 7 },
    { headers: undefined },
    { headers: signed("words"), body: "words" },
    { headers: signed(""), body: undefined },
    { body: { id: "evt_1" } },
    { body: new TextEncoder().encode('{"id":"evt_2"}').buffer },
    ...[NaN, -1, "300", null].map((toleranceSeconds) => ({ headers: signed(body, "1"), toleranceSeconds })),
    { toleranceSeconds: NaN },
  ];
  for (const change of wrong) {
    await assert.rejects(verifyWebhook({ ...good, ...change } as WebhookMessage), WebhookVerificationError);
  }
  const bytes = new TextEncoder().encode(body);
  for (const form of [body, bytes, bytes.buffer, new DataView(bytes.buffer)]) {
    assert.deepEqual(await verifyWebhook({ ...good, body: form }), { id: "evt_1" });
  }
});
