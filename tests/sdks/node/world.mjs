// What a check has at hand: the gateway's address, a key, models, and the document's program.
const SHOWN_URL = "http://127.0.0.1:8080";
const SHOWN_KEY = "YOUR-DRAGOMAN-KEY";
const SHOWN_MODELS = { "demo/echo": "chat", "demo/tools": "tools" };

export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const IMAGE = "[image image/png 70 bytes]";
export const WEATHER = "18 degrees, light rain";
export const TASK_HEADER = "x-inference-task-id";
export const BREAKS = [{ text: "Hello " }, { error: { status: 500, message: "broken on purpose" } }];
export const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

export class World {
  constructor({ url, key, models, blocks, task, run }) {
    Object.assign(this, { url, key, models, blocks, task, run });
    this.prompt = "Hello, Dragoman!";
    this.marker = "-- the stream --";
  }

  // What the document's first program makes; with streams, the second goes on where it ended.
  built({ model, key, streams = false, scripts } = {}) {
    let [first, second] = this.blocks;
    if (scripts) {
      [first, second] = [first, second].map((block, at) =>
        block.replaceAll(`"${this.prompt}"`, JSON.stringify(JSON.stringify(scripts[at] ?? []))),
      );
    }
    const marked = [first, `console.log(${JSON.stringify(this.marker)});`, second].join("\n");
    let text = (streams ? marked : first).replaceAll(SHOWN_URL, this.url).replaceAll(SHOWN_KEY, key ?? this.key);
    for (const [shown, kind] of Object.entries(SHOWN_MODELS)) text = text.replaceAll(shown, model ?? this.models[kind]);
    return this.run(text.replace(/^const (client|model|provider) =/gm, "export const $1 ="));
  }
}

// What the document's programs print meanwhile, in pieces.
export async function capture(act) {
  const pieces = [];
  const { log } = console;
  const write = process.stdout.write;
  console.log = (...words) => void pieces.push(words.join(" "));
  process.stdout.write = (text) => Boolean(pieces.push(text));
  try {
    await act();
  } finally {
    console.log = log;
    process.stdout.write = write;
  }
  return pieces;
}

export function hasResult(text) {
  if (!String(text).includes(WEATHER)) throw new Error(`no result in ${JSON.stringify(text)}`);
}

export function hasImage(text) {
  if (!String(text).includes(IMAGE)) throw new Error(`no image in ${JSON.stringify(text)}`);
}

export function isWeatherCall(name, input) {
  const told = typeof input === "string" ? JSON.parse(input) : input;
  if (name !== "get_weather" || typeof told.city !== "string") throw new Error(`${name} ${JSON.stringify(input)}`);
}

export function isPerson(person) {
  if (!person?.name || typeof person.name !== "string" || !Number.isInteger(person.age)) {
    throw new Error(JSON.stringify(person));
  }
}
