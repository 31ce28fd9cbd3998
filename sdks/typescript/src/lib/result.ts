/** What a standalone function answers: nothing that can be foreseen is thrown. */
export type Result<T, E = Error> = { ok: true; value: T; error?: never } | { ok: false; value?: never; error: E };

export function done<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

export function failed<E>(error: E): Result<never, E> {
  return { ok: false, error };
}

/** Turns a result into what the class's methods give: the value, or a rejection. */
export async function unwrap<T, E>(result: Promise<Result<T, E>>): Promise<T> {
  const outcome = await result;
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}
