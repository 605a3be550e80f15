// LangChain's model over OpenAI's SDK.
import { TASK_HEADER } from "./world.mjs";

export * from "./langchain_chat.mjs";

export async function header({ model }, name, { task }) {
  await model.invoke("Hello", { options: { headers: { [TASK_HEADER]: task } } });
}
