import { PassthroughCore } from "@passthrough/sdk/core.js";
import { passthroughRequest } from "@passthrough/sdk/funcs/passthroughRequest.js";
import { PassThroughRequestDtoMethod } from "@passthrough/sdk/models/components";

// Use `PassthroughCore` for best tree-shaking performance.
// You can create one instance of it to use across an application.
const panora = new PassthroughCore({
  apiKey: "<YOUR_API_KEY_HERE>",
});

async function run() {
  const res = await passthroughRequest(panora, {
    xConnectionToken: "<value>",
    passThroughRequestDto: {
      method: PassThroughRequestDtoMethod.Get,
      path: "/usr/src",
    },
  });

  if (!res.ok) {
    throw res.error;
  }

  const { value: result } = res;

  // Handle the result
  console.log(result)
}

run();
