// In front of every Worker: chooses script and version, holds requests while a version wakes, drains old ones.
// Told what to do over standard input, tells what happens over standard output (one JSON object a line); ends when
// standard input does. node router.mjs PORT IDLE_SECONDS
import { randomBytes } from "node:crypto";
import http from "node:http";
import net from "node:net";
import readline from "node:readline";
import { follow } from "./tails.mjs";

const [port, idleSeconds] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256, keepAliveMsecs: 5000 });
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

let hosts = []; // [{host, path, script}], the most specific first
let scripts = {}; // script -> {traffic: [[version, percentage]], known: [version]}
let table = 0; // the number of the table in force
const versions = new Map(); // version -> {socket, waiting, active, used, draining}

function state(version) {
  let found = versions.get(version);
  if (!found) versions.set(version, (found = { socket: null, waiting: [], active: 0, used: Date.now() }));
  return found;
}

const orders = {
  table(order) {
    ({ hosts, scripts, number: table } = order);
    for (const one of versions.values()) one.waiting.splice(0).forEach(({ go }) => go(null));
  },
  awake({ version, socket }) {
    const one = state(version);
    one.socket = socket;
    one.used = Date.now();
    one.waiting.splice(0).forEach(({ go }) => go(socket));
  },
  failed({ version, why }) {
    state(version).waiting.splice(0).forEach(({ fail }) => fail(why));
  },
  tails({ known }) {
    for (const tail of tails.keys()) if (!known.includes(tail)) (tails.get(tail)?.end(), tails.delete(tail));
    for (const tail of known) if (!tails.has(tail)) tails.set(tail, null);
  },
  trace({ tail, text }) {
    tails.get(tail)?.send(text);
  },
  touch({ version }) {
    state(version).used = Date.now();
  },
  asleep({ version }) {
    const one = state(version);
    one.socket = null;
    one.drained = true;
    settled(version, one);
  },
};

function settled(version, one) {
  if (one.drained && one.active === 0) {
    one.drained = false;
    tell({ event: "drained", version });
  }
}

// The socket, or null when the table has changed meanwhile and the request must be placed again.
function awake(version) {
  const one = state(version);
  one.used = Date.now();
  if (one.socket) return Promise.resolve(one.socket);
  return new Promise((go, fail) => {
    one.waiting.push({ go, fail });
    if (one.waiting.length === 1) tell({ event: "wake", version, table });
  });
}

setInterval(() => {
  const before = Date.now() - idleSeconds * 1000;
  for (const [version, one] of versions) {
    if (one.socket && one.active === 0 && one.used < before) {
      one.socket = null;
      tell({ event: "idle", version });
    }
  }
}, Math.min(1000, idleSeconds * 250)).unref();

// ---- which version answers

const OWN_DOMAIN = ".local.localhost";

function find(request) {
  let host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (host.endsWith(".local.workers.dev")) host = host.replace(/\.local\.workers\.dev$/, OWN_DOMAIN);
  const path = request.url;
  const preview = host.endsWith(OWN_DOMAIN) && /^([0-9a-f]{8})-(.+)$/.exec(host);
  if (preview) {
    const script = lookUp(preview[2], path);
    const version = script && (scripts[script]?.known ?? []).find((id) => id.startsWith(preview[1]));
    if (version) return { script, version };
  }
  const script = lookUp(host, path);
  return script && scripts[script] ? { script, version: choose(script, request.headers) } : null;
}

function lookUp(host, path) {
  for (const one of hosts) {
    const hostFits = one.host.startsWith("*") ? host.endsWith(one.host.slice(1)) : host === one.host;
    const pathFits = one.path.endsWith("*") ? path.startsWith(one.path.slice(0, -1)) : path.split("?")[0] === one.path;
    if (hostFits && pathFits) return one.script;
  }
  return null;
}

function choose(script, headers) {
  const traffic = scripts[script].traffic;
  const wanted = overrides(headers["cloudflare-workers-version-overrides"]).get(script);
  if (wanted && traffic.some(([version]) => version === wanted)) return wanted;
  let left = Math.random() * traffic.reduce((sum, [, percentage]) => sum + percentage, 0);
  for (const [version, percentage] of traffic) {
    left -= percentage;
    if (left < 0) return version;
  }
  return traffic[0]?.[0];
}

function overrides(header) {
  const found = new Map();
  for (const [, script, version] of String(header ?? "").matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g)) found.set(script, version);
  return found;
}

// ---- passing on

const cfBlob = JSON.stringify({
  colo: "LOC", country: "XX", city: "Localhost", continent: "XX", timezone: "Etc/UTC", asn: 64512,
  asOrganization: "Local Cloudflare", httpProtocol: "HTTP/1.1", tlsVersion: "", tlsCipher: "", clientTcpRtt: 0,
});

function forwarded(request) {
  const headers = { ...request.headers };
  headers["cf-connecting-ip"] = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "127.0.0.1";
  headers["cf-ray"] = randomBytes(8).toString("hex") + "-LOC";
  headers["cf-visitor"] = '{"scheme":"http"}';
  headers["x-forwarded-proto"] = "http";
  headers["cf-blob"] = cfBlob;
  return headers;
}

function page(response, status, title, detail) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${title}\n${detail}\n`);
}

function enter(version) {
  const one = state(version);
  one.active += 1;
  let left = false;
  return () => {
    if (left) return;
    left = true;
    one.active -= 1;
    one.used = Date.now();
    settled(version, one);
  };
}

// Script, version and the socket of its process; throws {script, why} when it cannot be started.
async function placed(request) {
  for (;;) {
    const found = find(request);
    if (!found?.version) return null;
    const socketPath = await awake(found.version).catch((why) => Promise.reject({ script: found.script, why }));
    if (socketPath) return { ...found, socketPath };
  }
}

async function pass(request, response) {
  let found;
  try {
    found = await placed(request);
  } catch ({ script, why }) {
    return page(response, 522, "error code: 1101", `${script} could not be started: ${why}`);
  }
  if (!found) {
    return page(response, 404, "error code: 1042", `No Worker answers at ${request.headers.host}${request.url}.`);
  }
  const leave = enter(found.version);
  response.once("close", leave);
  send(request, response, found, false);
}

function send(request, response, found, again) {
  const headers = forwarded(request);
  const onward = http.request({ socketPath: found.socketPath, agent, method: request.method, path: request.url, headers });
  onward.once("response", (answer) => {
    if (uncaught(answer)) {
      answer.resume();
      return page(response, 500, "error code: 1101", `${found.script} threw an exception; its log has the stack.`);
    }
    const raw = [];
    for (let i = 0; i < answer.rawHeaders.length; i += 2) {
      if (!/^(connection|keep-alive)$/i.test(answer.rawHeaders[i])) raw.push(answer.rawHeaders[i], answer.rawHeaders[i + 1]);
    }
    response.writeHead(answer.statusCode, answer.statusMessage, [...raw, "cf-ray", headers["cf-ray"]]);
    answer.pipe(response);
    answer.once("error", () => response.destroy());
  });
  onward.once("error", async (error) => {
    // A kept connection that the other side had just closed, or a process that ended: nothing was answered yet.
    const bodyless = request.headers["content-length"] === undefined && request.headers["transfer-encoding"] === undefined;
    if (response.headersSent || again || !bodyless) {
      return page(response, 520, "error code: 1101", `${found.script} ended while it was answering.`);
    }
    if (error.code === "ENOENT" || error.code === "ECONNREFUSED") state(found.version).socket = null;
    try {
      const next = await placed(request);
      if (!next) return page(response, 404, "error code: 1042", `${found.script} is gone.`);
      if (next.version !== found.version) response.once("close", enter(next.version));
      send(request, response, next, true);
    } catch ({ script, why }) {
      page(response, 522, "error code: 1101", `${script} could not be started: ${why}`);
    }
  });
  response.once("close", () => response.writableFinished || onward.destroy());
  request.pipe(onward);
}

// What workerd itself answers for an exception that nobody caught: its bare text, with no type.
function uncaught(answer) {
  return answer.statusCode === 500 && answer.headers["content-type"] === undefined && answer.headers["content-length"] === "21";
}

// ---- wrangler tail

const tails = new Map(); // tail -> {send, end} of its follower, or null before it has come

async function upgrade(request, client, head) {
  client.on("error", () => client.destroy());
  const tail = /^\/tails\/([0-9a-f]{32})$/.exec(request.url)?.[1];
  if (tail && tails.has(tail)) {
    return tails.set(tail, follow(request, client, head, () => tails.has(tail) && tell({ event: "untailed", tail })));
  }
  let found;
  try {
    found = await placed(request);
  } catch {
    return client.end("HTTP/1.1 522 Origin Unreachable\r\nconnection: close\r\n\r\n");
  }
  if (!found) return client.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
  const leave = enter(found.version);
  const worker = net.connect(found.socketPath, () => {
    const lines = Object.entries(forwarded(request)).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
    worker.write([`${request.method} ${request.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    worker.write(head);
    worker.pipe(client).pipe(worker);
  });
  worker.once("error", () => client.destroy());
  worker.once("close", () => (leave(), client.destroy()));
  client.once("close", () => worker.destroy());
}

const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, pass);
server.on("upgrade", upgrade);
server.on("clientError", (_, socket) => socket.destroy());
server.once("error", (error) => (tell({ event: "refused", why: error.code }), process.exit(1)));
server.listen(port, "127.0.0.1", () => tell({ event: "ready", port: server.address().port }));

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    orders[order.do](order);
    if (order.id !== undefined) tell({ event: "done", id: order.id });
  })
  .on("close", () => process.exit(0));
