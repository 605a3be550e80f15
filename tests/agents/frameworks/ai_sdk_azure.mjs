import { generateText, isStepCount } from "ai";
import { createAzure } from "@ai-sdk/azure";
import { editFile, readFile, task } from "./tools.mjs";

const dragoman = createAzure({ baseURL: "http://127.0.0.1:8080/openai", apiKey: "YOUR-DRAGOMAN-KEY" });
const answer = await generateText({
  model: dragoman("provider/model"),
  prompt: task,
  tools: { read_file: readFile, edit_file: editFile },
  stopWhen: isStepCount(5),
  maxRetries: 0,
});
console.log(answer.text);
