// Most of the API is alike: fields of the request go into the path, the query or the body, and JSON comes back. An
// operation is only its method and path; what it takes and gives is read from the generated types, so that neither can
// differ from openapi.json.
import { headerValue, type PassthroughCore } from "../core.js";
import { InvalidRequestError, type RequestError, SDKValidationError } from "../models/errors.js";
import type { paths } from "../models/schema.js";
import type { RequestOptions } from "./options.js";
import { failed, type Result } from "./result.js";
import { json, jsonText, send } from "./send.js";

type Method = "get" | "post" | "patch" | "delete";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];

type Flat<T> = { [K in keyof T]: T[K] } & {};
type Or<T, Fallback> = [T] extends [never] ? Fallback : T;
type Given<T, K extends PropertyKey> = K extends keyof T ? Or<NonNullable<T[K]>, unknown> : unknown;
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : unknown;
type Parameters<Op> = Given<Op, "parameters">;
type OfConnection<P> = P extends `${string}/current` ? { xConnectionToken: string } : unknown;

/** The path's and query's parameters and the body's fields, side by side. */
export type RequestOf<P extends keyof paths, M extends Method> = Flat<
  OfConnection<P> &
    Given<Parameters<paths[P][M]>, "path"> &
    Given<Parameters<paths[P][M]>, "query"> &
    Json<Given<paths[P][M], "requestBody">>
>;

/** The JSON of the answer; nothing where there is none. */
export type ResponseOf<P extends keyof paths, M extends Method> = paths[P][M] extends { responses: infer R }
  ? { [S in Extract<keyof R, 200 | 201 | 202 | 204>]: S extends 204 ? undefined : Json<R[S]> }[Extract<
      keyof R,
      200 | 201 | 202 | 204
    >]
  : never;

/** The request may be left out where nothing in it is required. */
export type Arguments<Request> = {} extends Request
  ? [request?: Request, options?: RequestOptions]
  : [request: Request, options?: RequestOptions];

/** A standalone function. */
export type Operation<Request, Value> = (
  core: PassthroughCore,
  ...args: Arguments<Request>
) => Promise<Result<Value, RequestError>>;

/** `Request` is given only where openapi.json asks for more than the server does. */
export function operation<M extends Method, P extends PathsWith<M>, Request = RequestOf<P, M>>(
  method: M,
  path: P,
): Operation<Request, ResponseOf<P, M>> {
  return async (core, ...[request, options]) => {
    try {
      const { headers, rest, filled } = placed(path, (request ?? {}) as Fields);
      const bodiless = method === "get" || method === "delete";
      const call = {
        method: method.toUpperCase(),
        path: bodiless ? filled + query(rest) : filled,
        body: bodiless ? undefined : jsonText(rest),
        headers,
        safe: method === "get",
      };
      return await send(core, call, options, (response) =>
        response.status === 204 ? (undefined as ResponseOf<P, M>) : json<ResponseOf<P, M>>(response),
      );
    } catch (error) {
      if (error instanceof SDKValidationError || error instanceof InvalidRequestError) return failed(error);
      throw error;
    }
  };
}

type Fields = { [name: string]: unknown };

function placed(path: string, request: Fields) {
  const { xConnectionToken, ...rest } = request;
  const headers: { [name: string]: string } = {};
  if (path.endsWith("/current")) {
    headers["connection-token"] = headerValue("xConnectionToken", xConnectionToken);
  }
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    // A dot alone would be another path, and nothing at all a list instead of an entry.
    if (typeof value !== "string" || /^\.{0,2}$/.test(value)) {
      throw new SDKValidationError([{ path: name, message: "is missing" }]);
    }
    return encodeURIComponent(value);
  });
  return { headers, rest, filled };
}

function query(fields: Fields): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null) pairs.append(name, String(value));
  }
  return pairs.size ? `?${pairs}` : "";
}
