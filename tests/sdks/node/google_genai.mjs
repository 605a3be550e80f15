// Google's SDK: generateContent.
import { PNG, SCHEMA, TASK_HEADER, WEATHER, hasImage, hasResult, isPerson, isWeatherCall } from "./world.mjs";

export const ERRORS = { key: ["ApiError"], model: ["ApiError"], refused: ["ApiError"] };
const PERSON = {
  type: "OBJECT",
  properties: { name: { type: "STRING" }, age: { type: "INTEGER" } },
  required: ["name", "age"],
};

export async function tools({ client }, model) {
  const declared = { name: "get_weather", description: "Weather", parametersJsonSchema: SCHEMA };
  const config = { tools: [{ functionDeclarations: [declared] }] };
  const asked = { role: "user", parts: [{ text: "What is the weather in Paris?" }] };
  const answer = await client.models.generateContent({ model, contents: [asked], config });
  const [call] = answer.functionCalls;
  isWeatherCall(call.name, call.args);
  const result = { functionResponse: { id: call.id, name: call.name, response: { result: WEATHER } } };
  const contents = [asked, answer.candidates[0].content, { role: "user", parts: [result] }];
  hasResult((await client.models.generateContent({ model, contents, config })).text);
  const { totalTokens } = await client.models.countTokens({ model, contents: "Hello" });
  if (!(totalTokens > 0)) throw new Error(`${totalTokens} tokens`);
}

export async function structured({ client }, model) {
  const config = { responseMimeType: "application/json", responseSchema: PERSON };
  const answer = await client.models.generateContent({ model, contents: "Who wrote the first program?", config });
  isPerson(JSON.parse(answer.text));
}

export async function image({ client }, model) {
  const contents = [{ text: "What is this?" }, { inlineData: { mimeType: "image/png", data: PNG } }];
  hasImage((await client.models.generateContent({ model, contents })).text);
}

export async function header({ client }, model, { task }) {
  const config = { httpOptions: { headers: { [TASK_HEADER]: task } } };
  await client.models.generateContent({ model, contents: "Hello", config });
}
