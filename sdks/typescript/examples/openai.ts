import { Passthrough } from "@passthrough/sdk";
import OpenAI from "openai";

const { CONNECTION_TOKEN = "" } = process.env;
const passthrough = new Passthrough();

// The key is the customer's, and the server puts it in: this program never has it.
const openai = new OpenAI({ apiKey: "unused", fetch: passthrough.proxy.fetch(CONNECTION_TOKEN) });

const stream = await openai.chat.completions.create({
  model: "gpt-5",
  messages: [{ role: "user", content: "Say hello" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
