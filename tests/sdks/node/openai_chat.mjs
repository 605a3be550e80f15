// OpenAI's SDK: chat completions.
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { PNG, SCHEMA, TASK_HEADER, WEATHER, hasImage, hasResult, isPerson, isWeatherCall } from "./world.mjs";

export const ERRORS = { key: ["AuthenticationError"], model: ["NotFoundError"], refused: ["BadRequestError"] };
const TOOLS = [{ type: "function", function: { name: "get_weather", description: "Weather", parameters: SCHEMA } }];

export async function tools({ client }, model) {
  const asked = [{ role: "user", content: "What is the weather in Paris?" }];
  const whole = await client.chat.completions.create({ model, messages: asked, tools: TOOLS });
  const streamed = await client.chat.completions.stream({ model, messages: asked, tools: TOOLS }).finalChatCompletion();
  for (const { choices } of [whole, streamed]) {
    const { message } = choices[0];
    const [call] = message.tool_calls;
    isWeatherCall(call.function.name, call.function.arguments);
    const messages = [...asked, message, { role: "tool", tool_call_id: call.id, content: WEATHER }];
    hasResult((await client.chat.completions.create({ model, messages, tools: TOOLS })).choices[0].message.content);
  }
}

export async function structured({ client }, model) {
  const messages = [{ role: "user", content: "Who wrote the first program?" }];
  const Person = z.object({ name: z.string(), age: z.int() });
  const response_format = zodResponseFormat(Person, "person");
  const answer = await client.chat.completions.parse({ model, messages, response_format });
  isPerson(answer.choices[0].message.parsed);
}

export async function image({ client }, model) {
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
  const messages = [{ role: "user", content: [{ type: "text", text: "What is this?" }, picture] }];
  hasImage((await client.chat.completions.create({ model, messages })).choices[0].message.content);
}

export async function header({ client }, model, { task }) {
  const messages = [{ role: "user", content: "Hello" }];
  await client.chat.completions.create({ model, messages }, { headers: { [TASK_HEADER]: task } });
}
