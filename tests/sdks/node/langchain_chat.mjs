// What every chat model of LangChain does alike.
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { PNG, WEATHER, hasImage, hasResult, isPerson, isWeatherCall } from "./world.mjs";

export const MODELS = { structured: "tools" };
export const ERRORS = {
  key: ["AuthenticationError"],
  model: ["NotFoundError"],
  refused: ["BadRequestError", "ContextOverflowError"],
};
const weather = tool(() => WEATHER, {
  name: "get_weather",
  description: "Weather",
  schema: z.object({ city: z.string() }),
});

export async function tools({ model }) {
  const chat = model.bindTools([weather]);
  const asked = new HumanMessage("What is the weather in Paris?");
  let streamed;
  for await (const chunk of await chat.stream([asked])) streamed = streamed ? streamed.concat(chunk) : chunk;
  for (const answer of [await chat.invoke([asked]), streamed]) {
    const [call] = answer.tool_calls;
    isWeatherCall(call.name, call.args);
    const result = new ToolMessage({ content: WEATHER, tool_call_id: call.id, name: call.name });
    hasResult((await chat.invoke([asked, answer, result])).text);
  }
}

export async function structured({ model }) {
  const Person = z.object({ name: z.string(), age: z.int() });
  isPerson(await model.withStructuredOutput(Person).invoke("Who wrote the first program?"));
}

export async function image({ model }) {
  const picture = { type: "image", source_type: "base64", mime_type: "image/png", data: PNG };
  hasImage((await model.invoke([new HumanMessage({ content: [{ type: "text", text: "What is this?" }, picture] })])).text);
}
