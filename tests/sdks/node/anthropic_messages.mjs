// Anthropic's SDK: messages and countTokens.
import { PNG, SCHEMA, TASK_HEADER, WEATHER, hasImage, hasResult, isPerson, isWeatherCall } from "./world.mjs";

export const ERRORS = { key: ["AuthenticationError"], model: ["NotFoundError"], refused: ["BadRequestError"] };
const TOOLS = [{ name: "get_weather", description: "Weather", input_schema: SCHEMA }];
const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const max_tokens = 100;

export async function tools({ client }, model) {
  const asked = [{ role: "user", content: "What is the weather in Paris?" }];
  const { input_tokens } = await client.messages.countTokens({ model, messages: asked, tools: TOOLS });
  if (!(input_tokens > 0)) throw new Error(`${input_tokens} input tokens`);
  const whole = await client.messages.create({ model, max_tokens, messages: asked, tools: TOOLS });
  const streamed = await client.messages.stream({ model, max_tokens, messages: asked, tools: TOOLS }).finalMessage();
  for (const { content } of [whole, streamed]) {
    const call = content.find(({ type }) => type === "tool_use");
    isWeatherCall(call.name, call.input);
    const result = { type: "tool_result", tool_use_id: call.id, content: WEATHER };
    const messages = [...asked, { role: "assistant", content }, { role: "user", content: [result] }];
    hasResult((await client.messages.create({ model, max_tokens, messages, tools: TOOLS })).content[0].text);
  }
}

export async function structured({ client }, model) {
  const messages = [{ role: "user", content: "Who wrote the first program?" }];
  const output_config = { format: { type: "json_schema", schema: PERSON } };
  const answer = await client.messages.create({ model, max_tokens, messages, output_config });
  isPerson(JSON.parse(answer.content[0].text));
}

export async function image({ client }, model) {
  const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } };
  const messages = [{ role: "user", content: [picture, { type: "text", text: "What is this?" }] }];
  hasImage((await client.messages.create({ model, max_tokens, messages })).content[0].text);
}

export async function header({ client }, model, { task }) {
  const messages = [{ role: "user", content: "Hello" }];
  await client.messages.create({ model, max_tokens, messages }, { headers: { [TASK_HEADER]: task } });
}
