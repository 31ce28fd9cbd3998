import { UnexpectedClientError } from "../models/errors.js";

/** Something that works like `fetch`. */
export type Fetcher = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export type Hooks = {
  /** Sees each request before it is sent, repetitions too, and may give another one in its place. */
  beforeRequest: (request: Request) => Request | void | Promise<Request | void>;
  /** Sees why no answer came. */
  requestError: (error: unknown, request: Request) => void | Promise<void>;
  /** Sees each answer, whatever its status. Must not read the body; `response.clone()` may be read. */
  response: (response: Response, request: Request) => void | Promise<void>;
};

export type HookName = keyof Hooks;

/** Sends requests by a `fetch` of your choice, and tells hooks of them. */
export class HTTPClient {
  /** What sends. Looked up late, so that a `fetch` that is put in place afterwards counts. */
  readonly fetcher: Fetcher;
  #hooks: { [Name in HookName]: Hooks[Name][] } = { beforeRequest: [], requestError: [], response: [] };

  constructor(options: { fetcher?: Fetcher | undefined } = {}) {
    this.fetcher = options.fetcher ?? ((input, init) => fetch(input, init));
  }

  async request(request: Request): Promise<Response> {
    for (const hook of this.#hooks.beforeRequest) request = (await told(() => hook(request))) || request;
    let response: Response;
    try {
      response = await this.fetcher(request);
    } catch (error) {
      for (const hook of this.#hooks.requestError) await told(() => hook(error, request));
      throw error;
    }
    for (const hook of this.#hooks.response) await told(() => hook(response, request));
    return response;
  }

  addHook<Name extends HookName>(name: Name, hook: Hooks[Name]): this {
    this.#hooks[name].push(hook);
    return this;
  }

  removeHook<Name extends HookName>(name: Name, hook: Hooks[Name]): this {
    const hooks: Hooks[Name][] = this.#hooks[name];
    const at = hooks.indexOf(hook);
    if (at >= 0) hooks.splice(at, 1);
    return this;
  }
}

/** A hook's own failure must not look like the network's, which may be tried again. */
async function told<T>(hook: () => T | Promise<T>): Promise<T> {
  try {
    return await hook();
  } catch (error) {
    throw new UnexpectedClientError(`a hook failed: ${String(error)}`, error);
  }
}
