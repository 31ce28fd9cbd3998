// Niceties, and the word to the page that opened this one. Everything else works without.
"use strict";

// What came back from the provider is used up, and need not stand in the address and the history.
if (location.search && location.pathname.startsWith("/oauth/callback/")) {
  history.replaceState(null, "", location.pathname);
}

// The result goes to one origin, named exactly; to "*" whoever opened this window would read it.
const result = document.querySelector("[data-result]");
if (result) {
  const { origin, status, token, error, session } = result.dataset;
  const message = { source: "passthrough", type: "link", status, session };
  if (token) message.token = token;
  if (error) message.error = error;
  const asked = window.opener || (window.parent !== window ? window.parent : null);
  if (asked && origin) {
    asked.postMessage(message, origin);
    if (window.opener) window.close();
  }
}

for (const button of document.querySelectorAll("[data-close]")) {
  if (window.opener) {
    button.hidden = false;
    button.addEventListener("click", () => window.close());
  }
}

for (const button of document.querySelectorAll("[data-reveals]")) {
  const input = document.getElementById(button.dataset.reveals);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-pressed", String(shown));
  });
  // A secret that is left readable would be kept by the browser among what was typed.
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

// Once is enough; and back from the next page, the button works again.
for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector("button.main");
  const label = button.textContent;
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    button.textContent = form.dataset.busy;
    button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    button.textContent = label;
    button.removeAttribute("aria-disabled");
  });
}

// The list follows what is typed.
const search = document.querySelector("input[type=search][data-filters]");
if (search) {
  const entries = [...document.querySelectorAll(".choices li")];
  const count = document.querySelector(".count");
  search.form.querySelector("button").hidden = true;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const entry of entries) {
      entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
      if (!entry.hidden) shown += 1;
    }
    const { one, many, none } = count.dataset;
    const found = shown === 1 ? one : many.replace("{}", shown);
    count.textContent = shown === 0 ? none.replace("{}", search.value.trim()) : found;
    document.querySelector(".choices").hidden = shown === 0;
  });
}
