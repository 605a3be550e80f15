// Runs the checks of the Node SDKs: a job as JSON comes in, results as JSON go out.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BREAKS, World, capture } from "./world.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const job = JSON.parse(readFileSync(0, "utf8"));
const results = [];
// Modules find the SDKs only from within this folder.
const room = await mkdtemp(join(HERE, "programs-"));
let written = 0;

async function run(text) {
  const file = join(room, `${++written}.mjs`);
  await writeFile(file, text);
  return import(pathToFileURL(file));
}

function expect(condition, ...told) {
  if (!condition) throw new Error(JSON.stringify(told));
}

async function checkErrors(expected, world) {
  const causes = {
    key: { key: "not-a-key-of-this-gateway" },
    model: { model: "nowhere/unknown" },
    refused: { model: world.models.refused },
  };
  for (const [cause, change] of Object.entries(causes)) {
    let raised;
    try {
      await world.built(change);
    } catch (error) {
      raised = error;
    }
    expect(raised, cause, "nothing was raised");
    const names = [raised.name, raised.lc_error_code];
    for (let kind = raised.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) names.push(kind.name);
    expect(expected[cause].some((name) => names.includes(name)), cause, names, String(raised));
  }
}

// A failure in the middle of a stream is raised, not swallowed.
async function checkBrokenStream(world) {
  const scripts = [[{ text: "Hello" }], BREAKS];
  let raised;
  try {
    await world.built({ model: world.models.scripted, streams: true, scripts });
  } catch (error) {
    raised = error;
  }
  expect(raised, "nothing was raised");
  expect(String(raised.message).includes("broken on purpose"), raised.name, String(raised));
}

async function check(module, feature, world) {
  if (feature === "chat") {
    const pieces = await capture(() => world.built({}));
    expect(pieces.join("").includes(world.prompt), pieces);
  } else if (feature === "stream") {
    const pieces = (await capture(() => world.built({ streams: true }))).join("\n");
    const [, streamed] = pieces.split(world.marker);
    const parts = streamed.split("\n").filter((piece) => piece.trim());
    expect(parts.join("").includes(world.prompt), parts);
    expect(parts.length > 1, parts);
  } else if (feature === "error") {
    await checkErrors(module.ERRORS, world);
    if (world.models.scripted) await (module.brokenStream ?? checkBrokenStream)(world);
  } else {
    const kind = feature === "tools" ? "tools" : (module.MODELS?.[feature] ?? "chat");
    const model = world.models[kind];
    await module[feature](await world.built({ model }), model, world);
  }
}

for (const client of job.clients) {
  const card = JSON.parse(await readFile(join(HERE, "node_modules", client.package, "package.json"), "utf8"));
  for (const [target, models] of Object.entries(job.targets)) {
    const task = `${client.name}-${target}`;
    const world = new World({ url: job.url, key: job.key, models, blocks: client.blocks, task, run });
    for (const feature of client.features) {
      let failure = "";
      try {
        const module = await import(`./${client.checks}.mjs`);
        await capture(() => check(module, feature, world));
      } catch (error) {
        failure = `${error?.stack ?? error}` || "failed";
      }
      results.push({ client: client.name, target, feature, version: card.version, failure });
    }
  }
}
await rm(room, { recursive: true });
process.stdout.write(JSON.stringify(results), () => process.exit(0));
