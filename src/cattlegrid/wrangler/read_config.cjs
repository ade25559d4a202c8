// What wrangler's own reader makes of files: a JSON list of questions on standard input, a list of answers on standard
// output. A question has a `file` (absolute), `contents` (texts that the file holds one after the other) and the
// environments to read it for ("" is the top level). Each text stands at the same path, so that answers compare.
const { mkdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { dirname } = require("node:path");
const { unstable_readConfig } = require(process.argv[2]);

for (const word of ["debug", "error", "info", "log", "warn"]) console[word] = () => {};

function read(config, env) {
  try {
    return { config: unstable_readConfig({ config, env }, { hideWarnings: true }) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

function answer({ file, contents, environments }) {
  mkdirSync(dirname(file), { recursive: true });
  // In another folder wrangler 4.164.0 prefixes an inherited `tsconfig` twice; people run it in the worker's own.
  process.chdir(dirname(file));
  return contents.map((text) => {
    writeFileSync(file, text);
    return Object.fromEntries(environments.map((name) => [name, read(file, name)]));
  });
}

const questions = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(questions.map(answer)));
