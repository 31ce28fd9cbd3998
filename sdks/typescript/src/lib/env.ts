// The only place that looks at the environment. Node.js, Bun and many bundlers have `process.env`, Deno has `Deno.env`
// (and asks its user, or throws, where it was not allowed), browsers have neither.
type Runtime = {
  process?: { env?: { [name: string]: string | undefined } };
  Deno?: { env?: { get(name: string): string | undefined } };
};

/** The variable's value; `undefined` where it is not set, is empty, or cannot be read. */
export function env(name: "PASSTHROUGH_API_KEY" | "PASSTHROUGH_SERVER_URL"): string | undefined {
  const { process, Deno } = globalThis as Runtime;
  try {
    return (Deno?.env ? Deno.env.get(name) : process?.env?.[name]) || undefined;
  } catch {
    return undefined;
  }
}
