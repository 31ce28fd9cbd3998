// The shapes of the API. What is declared here stands in place of a generated type of the same name.
import type * as schemas from "./schemas.js";

export type * from "./schemas.js";

/** The methods of a passthrough request. */
export const PassThroughRequestDtoMethod = {
  Get: "GET",
  Head: "HEAD",
  Options: "OPTIONS",
  Post: "POST",
  Put: "PUT",
  Patch: "PATCH",
  Delete: "DELETE",
} as const satisfies { [name: string]: schemas.Method };
export type PassThroughRequestDtoMethod = schemas.Method;

/** One value of a query. Numbers keep their text. */
export type QueryValue = string | number | boolean;

/** What is to be sent to the provider. At most one of `body`, `form` and `multipart`. */
export type PassThroughRequestDto = Omit<schemas.PassthroughRequest, "query" | "headers" | "form"> & {
  /** Appended to the path's query; an array repeats the name. */
  query?: { [name: string]: QueryValue | QueryValue[] } | null;
  /** Headers for the provider. The connection's credential is added by the server and always wins. */
  headers?: { [name: string]: string | string[] } | null;
  /** Sent as `application/x-www-form-urlencoded`; an array repeats the name. */
  form?: { [name: string]: QueryValue | QueryValue[] } | [name: string, value: string][] | null;
};

/** Any answer of the provider, whatever its status. `response` is its body, `statusCode` its status. */
export type PassthroughResponse<T = unknown> = Omit<schemas.PassthroughResponse, "response" | "responseEncoding"> & {
  /** JSON as JSON, text as a string, other bytes as base64; `responseEncoding` says which. */
  response: T;
  responseEncoding: "json" | "text" | "base64";
};

/** What the server fills in may be left out. */
type Only<T, Required extends keyof T> = Pick<T, Required> & Partial<Omit<T, Required>>;

/** What a connection is made of. `provider` or `integration`, and the fields of one of its auth entries. */
export type CreateConnection = Only<schemas.CreateConnection, "credentials">;

/** What an integration is made of: a provider, as you have set it up. */
export type CreateIntegration = Only<schemas.CreateIntegration, "provider">;
