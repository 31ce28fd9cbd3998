// What a program of Node.js sees that has neither the types of browsers nor lax settings.
import { components, errors, Passthrough, type Result } from "@passthrough/sdk";
import { PassthroughCore } from "@passthrough/sdk/core.js";
import { connectionsCreate } from "@passthrough/sdk/funcs/connections.js";
import { passthroughRequest } from "@passthrough/sdk/funcs/passthroughRequest.js";
import type { PassThroughRequestDto, PassthroughResponse } from "@passthrough/sdk/models/components";

type Order = { id: number };
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>) => {};

const sdk = new Passthrough({ apiKey: async () => "sk_x", serverURL: new URL("https://passthrough.example") });
const core = new PassthroughCore();
const dto: PassThroughRequestDto = {
  method: components.PassThroughRequestDtoMethod.Post,
  path: "/orders",
  query: { page: 1, paid: true, status: ["a", "b"] },
  headers: { "X-One": "1", "X-Two": ["1", "2"] },
  body: { any: ["json", 1, null] },
  responseAs: "json",
};
const request = { xConnectionToken: "con_tkn_x", passThroughRequestDto: dto };

const typed = sdk.request<Order>(request);
same<typeof typed, Promise<PassthroughResponse<Order>>>(true);
const unknown = (await sdk.passthrough.request(request)).response;
same<typeof unknown, unknown>(true);
const result: Result<PassthroughResponse<Order>, errors.RequestError> = await passthroughRequest<Order>(core, request);
if (result.ok) same<typeof result.value.response.id, number>(true);
else if (result.error instanceof errors.SDKError) same<typeof result.error.statusCode, number>(true);

const made = await connectionsCreate(core, { provider: "stripe", credentials: { api_key: "sk_live" } });
if (made.ok) same<typeof made.value.token, string>(true);
const gone = await sdk.webhookEndpoints.delete({ id: "whk_x" });
same<typeof gone, undefined>(true);
const revoked = await sdk.connections.delete({ id: "conn_x", revoke: true });
if (revoked) same<typeof revoked.revoked, components.Revocation>(true);
for await (const connection of sdk.connections.all({ status: "connected" })) same<typeof connection.id, string>(true);
const fetched: typeof fetch = sdk.proxy.fetch("con_tkn_x");
await fetched("/orders", { method: "POST", body: "{}", signal: AbortSignal.timeout(1000) });

// @ts-expect-error: the method is none
sdk.request({ ...request, passThroughRequestDto: { method: "FETCH", path: "/" } });
// @ts-expect-error: no path
sdk.request({ ...request, passThroughRequestDto: { method: "GET" } });
// @ts-expect-error: a misspelt field
sdk.request({ ...request, passThroughRequestDto: { method: "GET", path: "/", boddy: "x" } });
// @ts-expect-error: an id is needed
sdk.connections.get();
// @ts-expect-error: current takes the connection token
sdk.connections.getCurrent({ id: "conn_x" });
// @ts-expect-error: no such filter
sdk.connections.list({ colour: "red" });
// @ts-expect-error: a strategy that there is not
sdk.connections.list({}, { retries: { strategy: "often" } });
