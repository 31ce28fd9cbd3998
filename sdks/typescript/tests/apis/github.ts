// Behaves like the parts of GitHub's API that the test uses: pages by Link, GraphQL, errors, a redirect to a file.
import type { IncomingMessage, ServerResponse } from "node:http";
import { CREDENTIAL } from "../credential.js";
import { answer, listen, text } from "../listening.js";

/** Where GitHub keeps archives: another origin, which must see no credential. */
export const files = await listen((_, response) => {
  response.writeHead(200, { "content-type": "application/zip" });
  response.end("PK");
});

export async function github(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://github");
  if (request.headers.authorization !== `Bearer ${CREDENTIAL}`) return answer(response, 401, { message: "Bad credentials" });
  if (url.pathname === "/user") return answer(response, 200, { login: "us", id: 1 });
  if (url.pathname === "/repos/us/house/issues") {
    if (request.method === "POST") return answer(response, 201, { number: 3, ...JSON.parse(await text(request)) });
    const page = Number(url.searchParams.get("page") ?? 1);
    // As GitHub does it, the next page is named by its whole address.
    const link = `<https://api.github.com/repos/us/house/issues?per_page=1&page=${page + 1}>; rel="next"`;
    return answer(response, 200, [{ number: page }], page < 2 ? { link } : {});
  }
  if (url.pathname === "/repos/us/house/zipball/main") {
    response.writeHead(302, { location: `${files.url}/archive` });
    return void response.end();
  }
  if (url.pathname === "/graphql") {
    const { query } = JSON.parse(await text(request));
    return answer(response, 200, { data: { viewer: { login: "us" }, asked: query.length } });
  }
  answer(response, 404, { message: "Not Found", documentation_url: "https://docs.github.com/rest" });
}
