// One process for all of it, so that there is one server.
import "./official-sdks.test.js";
