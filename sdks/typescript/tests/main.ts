// One process for all of it, so that there is one server.
import "./seed-page.test.js";
import "./errors.test.js";
import "./retries.test.js";
import "./proxy.test.js";
import "./privacy.test.js";
import "./resources.test.js";
import "./webhooks.test.js";
import "./official-sdks.test.js";
import "./examples.test.js";
import "./package.test.js";
