// A gRPC client in Node.js: a chat, a streamed chat, and an error with its reason.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { Role } from "./gen/dragoman/v1/content_pb.js";
import { GatewayService } from "./gen/dragoman/v1/gateway_pb.js";

const target = process.env.DRAGOMAN_TARGET ?? "127.0.0.1:50051";
const key = process.env.DRAGOMAN_API_KEY ?? "";
const model = process.env.DRAGOMAN_MODEL ?? "demo/echo";

const gateway = createClient(GatewayService, createGrpcTransport({ baseUrl: `http://${target}` }));
const options = { timeoutMs: 60_000, headers: key ? { authorization: `Bearer ${key}` } : {} };

const question = (name, text) => ({
  model: name,
  messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: text } }] }],
});

const answer = await gateway.chat(question(model, "Hello from Node.js"), options);
console.log(answer.candidates[0].parts[0].kind.value);
console.log(`${answer.usage.inputTokens} + ${answer.usage.outputTokens} tokens from ${answer.route.provider}`);

for await (const batch of gateway.stream({ chat: question(model, "Streamed to Node.js") }, options)) {
  for (const { event } of batch.events) {
    if (event.case === "partDelta") process.stdout.write(event.value.delta.value ?? "");
  }
}
console.log();

// google.rpc.ErrorInfo: reason = 1, domain = 2. Its reason is a name of the contract's enum Reason.
const reasonOf = (error) => {
  const info = error.details.find((detail) => detail.type === "google.rpc.ErrorInfo");
  return info ? new TextDecoder().decode(info.value.subarray(2, 2 + info.value[1])) : "";
};

try {
  await gateway.chat(question("demo/no-such-model", "Hello?"), options);
} catch (error) {
  const failure = ConnectError.from(error);
  console.log(`${Code[failure.code].replace(/(?<=.)([A-Z])/g, "_$1").toUpperCase()}: ${reasonOf(failure)}`);
}
