import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { editFile, readFile, task } from "./tools.mjs";

const dragoman = createOpenAICompatible({
  name: "dragoman",
  baseURL: "http://127.0.0.1:8080/v1",
  apiKey: "YOUR-DRAGOMAN-KEY",
});
const agent = new Agent({
  id: "editor",
  name: "editor",
  instructions: "Edit files.",
  model: dragoman("provider/model"),
  tools: {
    read_file: createTool({ id: "read_file", ...readFile }),
    edit_file: createTool({ id: "edit_file", ...editFile }),
  },
});
console.log((await agent.generate(task, { maxSteps: 5 })).text);
