// Vercel's AI SDK, with any provider's package.
import { Output, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { BREAKS, PNG, TASK_HEADER, WEATHER, hasImage, hasResult, isPerson } from "./world.mjs";

// Anthropic's package wants structured answers of models that it does not know as the call of a tool.
export const MODELS = { structured: "tools" };
export const ERRORS = { key: ["AI_APICallError"], model: ["AI_APICallError"], refused: ["AI_APICallError"] };

// A stream of text only ends; the whole stream tells why.
export async function brokenStream(world) {
  const { model } = await world.built({ model: world.models.scripted, scripts: [[{ text: "Hello" }]] });
  const told = [];
  const { fullStream } = streamText({ model, prompt: JSON.stringify(BREAKS), maxRetries: 0, onError() {} });
  for await (const part of fullStream) if (part.type === "error") told.push(part.error?.message ?? String(part.error));
  if (!told.join().includes("broken on purpose")) throw new Error(JSON.stringify(told));
}

export async function tools({ model }) {
  let asked;
  const get_weather = tool({
    description: "Weather",
    inputSchema: z.object({ city: z.string() }),
    execute: async (input) => ((asked = input), WEATHER),
  });
  const answer = await generateText({
    model,
    prompt: "What is the weather in Paris?",
    tools: { get_weather },
    stopWhen: stepCountIs(3),
  });
  hasResult(answer.text);
  if (typeof asked?.city !== "string") throw new Error(JSON.stringify(asked));
}

export async function structured({ model }) {
  const schema = z.object({ name: z.string(), age: z.int() });
  const prompt = "Who wrote the first program?";
  isPerson((await generateText({ model, prompt, output: Output.object({ schema }) })).output);
}

export async function image({ model }) {
  const picture = { type: "image", image: Buffer.from(PNG, "base64"), mediaType: "image/png" };
  const messages = [{ role: "user", content: [{ type: "text", text: "What is this?" }, picture] }];
  hasImage((await generateText({ model, messages })).text);
}

export async function header({ model }, name, { task }) {
  await generateText({ model, prompt: "Hello", headers: { [TASK_HEADER]: task } });
}
