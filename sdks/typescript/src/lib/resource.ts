import type { PassthroughCore } from "../core.js";
import { all, type List } from "./all.js";
import type { RequestOptions } from "./options.js";
import { type Result, unwrap } from "./result.js";

type AnyOperation = (core: PassthroughCore, ...args: never[]) => Promise<Result<unknown, Error>>;

type Bound<F> = F extends (core: PassthroughCore, ...args: infer Args) => Promise<Result<infer Value, Error>>
  ? (...args: Args) => Promise<Value>
  : never;

type Listing<F> = F extends { list: List<infer Request, infer Item> }
  ? {
      /** All entries, page after page. */
      all: (request?: Omit<Request, "cursor">, options?: RequestOptions) => AsyncGenerator<Item, void, undefined>;
    }
  : unknown;

/** Standalone functions as methods: they give the value, or reject with the error. Lists can be gone through whole. */
export type Resource<F> = { [Name in keyof F]: Bound<F[Name]> } & Listing<F>;

export function resource<F extends { [name: string]: AnyOperation }>(core: PassthroughCore, operations: F): Resource<F> {
  const methods: { [name: string]: unknown } = {};
  for (const [name, operation] of Object.entries(operations)) {
    methods[name] = (...args: never[]) => unwrap(operation(core, ...args));
  }
  const { list } = operations;
  if (list) {
    methods["all"] = (request?: object, options?: RequestOptions) =>
      all(core, list as unknown as List<object, unknown>, request, options);
  }
  return methods as Resource<F>;
}
