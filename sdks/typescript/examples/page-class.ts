import { Passthrough } from "@passthrough/sdk";
import { PassThroughRequestDtoMethod } from "@passthrough/sdk/models/components";

const panora = new Passthrough({
  apiKey: "<YOUR_API_KEY_HERE>",
});

async function run() {
  const result = await panora.passthrough.request({
    xConnectionToken: "<value>",
    passThroughRequestDto: {
      method: PassThroughRequestDtoMethod.Get,
      path: "/dev",
    },
  });

  // Handle the result
  console.log(result)
}

run();
