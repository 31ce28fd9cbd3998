const MOST = 64 * 1024;
const STALL_MS = 10;

/**
 * The stream's bytes where it is short and ready, else the same stream. A `Request` gives its body as a stream whatever
 * it was made of; of bytes the length is known, on which some APIs insist, and they can be sent again after a redirect.
 */
export async function held(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let pending = reader.read();
  while (size <= MOST) {
    // A stream that somebody is still writing must not be held up.
    const next = await Promise.race([pending, stalled()]);
    if (!next) break;
    if (next.done) return joined(chunks, size);
    chunks.push(next.value);
    size += next.value.length;
    pending = reader.read();
  }
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    async pull(controller) {
      const { done, value } = await pending;
      if (done) return controller.close();
      controller.enqueue(value);
      pending = reader.read();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function stalled(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, STALL_MS, undefined));
}

function joined(chunks: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
