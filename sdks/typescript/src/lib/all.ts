import type { PassthroughCore } from "../core.js";
import type { RequestError } from "../models/errors.js";
import type { RequestOptions } from "./options.js";
import type { Result } from "./result.js";

/** A standalone function that gives a page of a list. */
export type List<Request, Item> = (
  core: PassthroughCore,
  request?: Request,
  options?: RequestOptions,
) => Promise<Result<{ results: Item[]; next?: string | null }, RequestError>>;

/** All entries of a list, page after page: `for await (const c of all(core, connectionsList, {tag: "eu"}))`. */
export async function* all<Request, Item>(
  core: PassthroughCore,
  list: List<Request, Item>,
  request?: Omit<Request, "cursor">,
  options?: RequestOptions,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | null | undefined;
  do {
    const page = await list(core, { ...request, ...(cursor && { cursor }) } as Request, options);
    if (!page.ok) throw page.error;
    yield* page.value.results;
    cursor = page.value.next;
  } while (cursor);
}
