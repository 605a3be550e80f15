import { generateText, isStepCount } from "ai";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { editFile, readFile, task } from "./tools.mjs";

const dragoman = createGoogleGenerativeAI({ baseURL: "http://127.0.0.1:8080/v1beta", apiKey: "YOUR-DRAGOMAN-KEY" });
const answer = await generateText({
  model: dragoman("provider/model"),
  prompt: task,
  tools: { read_file: readFile, edit_file: editFile },
  stopWhen: isStepCount(5),
  maxRetries: 0,
});
console.log(answer.text);
