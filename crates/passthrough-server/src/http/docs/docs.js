// Starts the viewer. What a user types in as key and token is held in the memory of this page and nowhere else.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The keys of whoever was here before are not kept in the browser.
  persistAuthorization: false,
  // No other server is asked whether the description is valid, and none is told of a query's address.
  validatorUrl: null,
  queryConfigEnabled: false,
  withCredentials: false,
  requestInterceptor(request) {
    if (new URL(request.url, location.href).origin !== location.origin) throw new Error("not a request to this server");
    return request;
  },
});

// What the viewer leaves out: no browser is to remember what was typed in, and every field has a name.
let askedFor = null;
new MutationObserver(() => {
  const asked = document.querySelector(".dialog-ux .auth-container");
  for (const input of document.querySelectorAll(".auth-container input")) {
    input.autocomplete = "off";
    input.type = "password";
  }
  // The API key comes first; the viewer would go to the last of the ways to authenticate.
  if (asked && !askedFor) setTimeout(() => asked.querySelector("input")?.focus());
  askedFor = asked;
  document.getElementById("servers")?.setAttribute("aria-label", "Server");
}).observe(document.getElementById("reference"), { childList: true, subtree: true });
