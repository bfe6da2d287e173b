// A board: real MicroPython (WebAssembly, 32-bit) with flash, boot, REPL, reset and watchdog.
//
//   node board.mjs MICROPYTHON_MJS FLASH_FOLDER
//
// stdin and stdout are its serial line. FLASH_FOLDER is its flash: read when it boots, written when
// it is reset. Events are JSON lines on stderr.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , micropythonPath, flashFolder] = process.argv;
const { loadMicroPython } = await import(pathToFileURL(micropythonPath).href);

const HEAP_BYTES = 200 * 1024;
const CTRL_C = 3;
const byte = Buffer.alloc(1);
const naps = new Int32Array(new SharedArrayBuffer(4));
const typedAhead = []; // bytes that came while a program ran

// What a board has and this build lacks.
const MODULES = fs.readFileSync(new URL("board_modules.py", import.meta.url), "utf8");
const CAUSES = { "power-on": 1, "machine.reset()": 2, watchdog: 3 };

const watchdog = { limitMs: 0, fedAt: 0, feeds: 0, bytes: 0, mostBytes: 0 };
let resetCause = null;
let lastCause = "power-on";
const nvs = new Map(); // keeps its content over a reset

function tell(event, more = {}) {
  fs.writeSync(2, JSON.stringify({ event, ...more }) + "\n");
}

function write(data) {
  for (let done = 0; done < data.length; ) {
    try {
      done += fs.writeSync(1, data, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(naps, 0, 0, 1);
    }
  }
}

// One byte of the serial line, or null after waitMs.
function readByte(waitMs) {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      if (fs.readSync(0, byte, 0, 1) === 0) process.exit(0);
      watchdog.bytes++;
      return byte[0];
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
    if (performance.now() >= until) return null;
    Atomics.wait(naps, 0, 0, 1);
  }
}

function starved() {
  if (watchdog.limitMs && performance.now() - watchdog.fedAt > watchdog.limitMs) {
    resetCause = "watchdog";
  }
  return resetCause !== null;
}

const boardModule = {
  wait(ms) {
    const until = performance.now() + ms;
    do {
      if (starved()) return 2;
      const c = readByte(Math.min(10, Math.max(0, until - performance.now())));
      if (c === CTRL_C) return 1;
      if (c !== null) typedAhead.push(c);
    } while (performance.now() < until);
    return 0;
  },
  resetCause() {
    return CAUSES[lastCause];
  },
  nvsGet(namespace, key) {
    return nvs.get(`${namespace}/${key}`) ?? null;
  },
  nvsSet(namespace, key, value) {
    nvs.set(`${namespace}/${key}`, value);
  },
  pin(number, level) {
    tell("pin", { number, level });
  },
  reset(cause) {
    resetCause = cause;
  },
  arm(limitMs) {
    if (!watchdog.limitMs) watchdog.bytes = 0;
    watchdog.limitMs = limitMs;
    watchdog.fedAt = performance.now();
  },
  feed() {
    watchdog.fedAt = performance.now();
    watchdog.feeds++;
    watchdog.mostBytes = Math.max(watchdog.mostBytes, watchdog.bytes);
    watchdog.bytes = 0;
  },
};

function loadFlash(FS, folder = flashFolder, target = "") {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const from = path.join(folder, entry.name);
    const to = `${target}/${entry.name}`;
    if (entry.isDirectory()) {
      FS.mkdir(to);
      loadFlash(FS, from, to);
    } else {
      FS.writeFile(to, fs.readFileSync(from));
    }
  }
}

function saveFlash(FS, source = "", folder = flashFolder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of FS.readdir(source || "/")) {
    if ([".", ".."].includes(name)) continue;
    if (!source && ["dev", "proc", "tmp", "home"].includes(name)) continue;
    const from = `${source}/${name}`;
    if (FS.isDir(FS.stat(from).mode)) saveFlash(FS, from, path.join(folder, name));
    else fs.writeFileSync(path.join(folder, name), FS.readFile(from));
  }
}

// While nothing else keeps its event loop alive, Node.js waits for its compiler threads before it
// goes on, and now and then for ever (NodePlatform::DrainTasks, seen in versions 20 and 22).
setInterval(() => {}, 1000);

let current = null;

function keepFlash() {
  if (!current) return;
  fs.rmSync(flashFolder, { recursive: true, force: true });
  saveFlash(current.FS);
}

// boot.py and main.py as the firmware runs them: an exception ends at the prompt.
function runFile(name) {
  if (!current.FS.analyzePath(`/${name}`).exists) return true;
  try {
    current.runPython(`exec(open("/${name}").read())`);
  } catch (error) {
    if (resetCause === null) write(Buffer.from(`${error.message}\r\n`.replace(/\r?\n/g, "\r\n")));
    return false;
  }
  return true;
}

async function boot() {
  resetCause = null;
  Object.assign(watchdog, { limitMs: 0, fedAt: 0, feeds: 0, bytes: 0, mostBytes: 0 });
  current = await loadMicroPython({ heapsize: HEAP_BYTES, linebuffer: false, stdout: write });
  loadFlash(current.FS);
  current.registerJsModule("_board", boardModule);
  current.runPython(MODULES);
  tell("boot");
  const booted = runFile("boot.py");
  if (resetCause === null && booted) runFile("main.py");
  if (resetCause !== null) return;
  current.replInit();
  tell("prompt");
  while (!starved()) {
    const c = typedAhead.length ? typedAhead.shift() : readByte(20);
    if (c !== null) current.replProcessChar(c);
  }
}

for (;;) {
  await boot();
  keepFlash();
  lastCause = resetCause;
  tell("reset", {
    cause: resetCause,
    feeds: watchdog.feeds,
    mostBytesBetweenFeeds: watchdog.mostBytes,
  });
  write(Buffer.from("\r\nets Jul 29 2019 12:21:46\r\n\r\nrst:0xc (SW_CPU_RESET)\r\n"));
}
