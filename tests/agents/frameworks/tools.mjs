// The two tools that the frameworks' programs offer. Beside each program when it runs.
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

export const task = process.env.AGENT_TASK ?? "";

export const readFile = {
  description: "Read a file.",
  inputSchema: z.object({ path: z.string() }),
  execute: async ({ path }) => readFileSync(path, "utf8"),
};

export const editFile = {
  description: "Replace a text in a file.",
  inputSchema: z.object({ path: z.string(), old: z.string(), new: z.string() }),
  execute: async ({ path, old, new: text }) => {
    writeFileSync(path, readFileSync(path, "utf8").replace(old, text));
    return "replaced";
  },
};
