import { headerValue, type PassthroughCore } from "../core.js";
import type { Fetcher } from "../lib/http.js";
import { held } from "../lib/held.js";
import { exchange } from "../lib/send.js";

export type ProxyFetchOptions = {
  /**
   * The provider's base URL, such as `https://api.example.com/v2`: what the URLs given to this `fetch` begin with. What
   * follows is the path at the provider. Other URLs are refused. Where absent, the scheme and host of a URL are not
   * looked at, and its whole path is the path at the provider.
   */
  baseURL?: string | URL | undefined;
  /**
   * Other origins that a provider's redirect may lead to, such as a file store's. They are called directly, without any
   * credential: of the headers go only those that are known to hold none (`Accept`, `Content-Type`, `Range`, `If-…` and
   * the like). Other redirects away from the provider are refused.
   */
  redirectOrigins?: string[] | undefined;
  /** Deadline of each request in milliseconds, kept by the server. */
  timeoutMs?: number | undefined;
  /** How often the server may send a request again. */
  retries?: 0 | 1 | 2 | undefined;
  /** What the server does where the provider has said "not before". */
  throttle?: "wait" | "refuse" | undefined;
  /** The name of one of the provider's further base URLs. */
  base?: string | undefined;
};

const RELATIVE = "http://provider.invalid";
const MOST_REDIRECTS = 20;

// Any other header may be a credential: every API has its own name for it.
const HARMLESS = new Set([
  "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-disposition",
  "content-encoding", "content-language", "content-md5", "content-range", "content-type", "if-match",
  "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "pragma", "range", "user-agent",
]);

/**
 * A `fetch` that goes to the connection's provider: what `fetch` takes and gives, streams both ways, and answers of any
 * status. For other people's SDKs that take a `fetch`; the credential that they are made with is not used, and goes
 * nowhere. An answer of the server's own has the header `Passthrough-Source: passthrough`.
 *
 * URLs may be relative (`/orders?status=paid`).
 */
export function proxyFetch(core: PassthroughCore, connectionToken: string, options: ProxyFetchOptions = {}): Fetcher {
  return async (input, init) => {
    let { url, ...call } = await parts(input, init, options.baseURL);
    const { redirect = "follow" } = call;
    const own = await ownHeaders(core, connectionToken, options);
    for (let hops = 0; ; hops++) {
      const headers = new Headers(call.headers);
      for (const [name, value] of Object.entries(own)) headers.set(name, value);
      // Redirects are followed here: `fetch` would take the connection token along to wherever they lead.
      const request = new Request(proxied(core, url, options), { ...call, headers, redirect: "manual" });
      const response = await exchange(core, request);
      const next = redirect === "manual" ? undefined : whereto(response, url);
      if (!next) return looksLike(response, url, hops > 0);
      await response.body?.cancel();
      if (redirect === "error") throw new TypeError(`redirected to ${next.origin}${next.pathname}`);
      if (hops === MOST_REDIRECTS) throw new TypeError("redirected too often");
      call = redirected(call, response.status);
      if (next.origin !== url.origin) return elsewhere(core, next, call, options);
      url = next;
    }
  };
}

type Call = RequestInit & { duplex?: "half" };

/** What `fetch` was called with. A body that is no stream keeps its form, and so its length is known. */
async function parts(input: string | URL | Request, init: RequestInit = {}, baseURL: ProxyFetchOptions["baseURL"]) {
  if (typeof input === "string" || !("url" in input)) {
    const streams = init.body instanceof ReadableStream;
    const call: Call = { ...init, ...(streams && { duplex: "half" }) };
    return { ...call, url: absolute(input, baseURL) };
  }
  const request = new Request(input, init);
  const { method, headers, signal, redirect, cache, credentials, integrity, keepalive } = request;
  const call: Call = { method, headers, signal, redirect, cache, credentials, integrity, keepalive };
  if (request.body) Object.assign(call, { body: await held(request.body), duplex: "half" });
  return { ...call, url: new URL(request.url) };
}

function absolute(input: string | URL, baseURL: ProxyFetchOptions["baseURL"]): URL {
  const url = new URL(input, RELATIVE);
  if (url.origin !== RELATIVE || baseURL === undefined) return url;
  const base = new URL(baseURL);
  return new URL(base.origin + prefixOf(base) + url.pathname + url.search);
}

function prefixOf(base: URL): string {
  return base.pathname.replace(/\/+$/, "");
}

async function ownHeaders(core: PassthroughCore, connectionToken: string, options: ProxyFetchOptions) {
  const { timeoutMs, retries, throttle, base } = options;
  return {
    authorization: await core.authorization(),
    "connection-token": headerValue("connectionToken", connectionToken),
    ...(timeoutMs !== undefined && { "passthrough-timeout-ms": String(timeoutMs) }),
    ...(retries !== undefined && { "passthrough-retries": String(retries) }),
    ...(throttle !== undefined && { "passthrough-throttle": throttle }),
    ...(base !== undefined && { "passthrough-base": base }),
  };
}

function proxied(core: PassthroughCore, url: URL, { baseURL }: ProxyFetchOptions): URL {
  // Only of these does the parser of URLs resolve `..`.
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url.protocol} is neither http: nor https:`);
  let path = url.pathname;
  if (baseURL !== undefined) {
    const base = new URL(baseURL);
    const prefix = prefixOf(base);
    const rest = path.slice(prefix.length);
    if (url.origin !== base.origin || !path.startsWith(prefix) || (rest && !rest.startsWith("/"))) {
      throw new TypeError(`${url.origin}${path} is not below ${base.origin}${prefix}, where the connection leads`);
    }
    path = rest || "/";
  }
  const proxy = new URL(`${core.serverURL}/v1/proxy`);
  const target = new URL(proxy.href + path + url.search);
  // The rest of the API takes the same key. Something on the way may decode before it resolves `..`.
  for (const read of [(pathname: string) => pathname, decoded]) {
    if (!read(target.pathname).startsWith(`${read(proxy.pathname)}/`)) throw new TypeError(`${path} leads out of the proxy`);
  }
  return target;
}

/** The path as somebody reads it to whom `%2F` and `%5C` are slashes. */
function decoded(pathname: string): string {
  return new URL(`${RELATIVE}${pathname.replace(/%2f|%5c/gi, "/")}`).pathname;
}

function whereto(response: Response, from: URL): URL | undefined {
  // Browsers show nothing of a redirect that they do not follow themselves.
  if (response.type === "opaqueredirect") throw new TypeError("the provider redirects, and browsers do not tell where to");
  const location = [301, 302, 303, 307, 308].includes(response.status) && response.headers.get("location");
  return location ? new URL(location, from) : undefined;
}

/** The next request, by the Fetch standard ("HTTP-redirect fetch"). */
function redirected(call: Call, status: number): Call {
  const method = call.method?.toUpperCase() ?? "GET";
  const becomesGet = status === 303 ? method !== "GET" && method !== "HEAD" : status < 303 && method === "POST";
  if (!becomesGet) {
    if (call.body instanceof ReadableStream) throw new TypeError("redirected, and a stream cannot be sent again");
    return call;
  }
  const { body: _, duplex: __, ...rest } = call;
  const headers = new Headers(call.headers);
  for (const name of ["content-encoding", "content-language", "content-location", "content-type", "content-length"]) {
    headers.delete(name);
  }
  return { ...rest, method: "GET", headers };
}

/** Follows a redirect to another origin, without anything that is secret, and without hooks, which may add such. */
function elsewhere(core: PassthroughCore, url: URL, call: Call, options: ProxyFetchOptions): Promise<Response> {
  // A provider that could lead callers anywhere could lead them to what only they can reach.
  if (!options.redirectOrigins?.includes(url.origin)) {
    throw new TypeError(`the provider redirects to ${url.origin}; redirectOrigins does not allow that`);
  }
  const headers = new Headers();
  new Headers(call.headers).forEach((value, name) => HARMLESS.has(name) && headers.set(name, value));
  return core.httpClient.fetcher(new Request(url, { ...call, headers, credentials: "omit", redirect: "error" }));
}

/** For the caller the answer came from where it was asked for. */
function looksLike(response: Response, url: URL, redirected: boolean): Response {
  const href = url.origin === RELATIVE ? url.pathname + url.search : url.href;
  Object.defineProperty(response, "url", { value: href });
  Object.defineProperty(response, "redirected", { value: redirected });
  return response;
}
