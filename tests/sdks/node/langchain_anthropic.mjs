// LangChain's model over Anthropic's SDK.
import { TASK_HEADER } from "./world.mjs";

export * from "./langchain_chat.mjs";

export async function header({ model }, name, { task }) {
  await model.invoke("Hello", { headers: { [TASK_HEADER]: task } });
}
