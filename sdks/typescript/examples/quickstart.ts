import { Passthrough } from "@passthrough/sdk";

const { GITHUB_TOKEN = "" } = process.env;
const passthrough = new Passthrough();

// Once for each customer: the server keeps the credential, you keep the token.
const connection = await passthrough.connections.create({
  provider: "github",
  credentials: { token: GITHUB_TOKEN },
});

const result = await passthrough.request<{ login: string }>({
  xConnectionToken: connection.token,
  passThroughRequestDto: { method: "GET", path: "/user" },
});
console.log(result.statusCode, result.response.login);
