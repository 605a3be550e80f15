import { generateText, isStepCount } from "ai";
import { createXai } from "@ai-sdk/xai";
import { editFile, readFile, task } from "./tools.mjs";

const dragoman = createXai({ baseURL: "http://127.0.0.1:8080/v1", apiKey: "YOUR-DRAGOMAN-KEY" });
const answer = await generateText({
  model: dragoman("provider/model"),
  prompt: task,
  tools: { read_file: readFile, edit_file: editFile },
  stopWhen: isStepCount(5),
  maxRetries: 0,
});
console.log(answer.text);
