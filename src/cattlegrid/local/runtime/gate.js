// What Workers' D1 bindings pass on their way to the databases: a database that is being exported, imported or restored
// refuses them as it refuses REST, and a value or a row over D1's limit does not get in. The rules are those of
// sql/limits.py, which holds them for REST.
const LARGEST = 2_000_000;
const TOO_BIG = "string or blob too big: SQLITE_TOOBIG";
const MARK = "row over 2,000,000 bytes";
const WRITES =
  /\b(?:insert(?:\s+or\s+\w+)?\s+into|replace\s+into|update(?:\s+or\s+\w+)?)\s+(?:[\w"`[\]]+\s*\.\s*)?("(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|\w+)/i;
const GROWS = /\b(?:hex|zeroblob|randomblob|replace|group_concat|string_agg)\s*\(|\|\|/i;
const busy = new Map(); // database -> why it must be waited for

const refused = (error) => Response.json({ success: false, error }, { status: 500 });
const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
const unquoted = (name) => (name[0] === '"' ? name.slice(1, -1).replaceAll('""', '"') : name.replace(/^[`[]|[`\]]$/g, ""));

function size(value) {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  return Array.isArray(value) ? value.length : 0;
}

// The table whose rows may pass the limit by this query, or undefined.
function writtenTo({ sql, params }) {
  const brought = (params ?? []).reduce((sum, value) => sum + size(value), 0);
  const multiplies = GROWS.test(sql) && (brought > LARGEST / 4 || /blob/i.test(sql));
  return brought > LARGEST || multiplies ? WRITES.exec(sql)?.[1] : undefined;
}

// A query that fails, and takes its batch with it, when the table holds a row over the limit.
function rowCheck(table, columns) {
  const total = columns.map((name) => `coalesce(octet_length(${quoted(name)}), 0)`).join(" + ");
  const path = `'${MARK}' || substr(typeof(${quoted(columns[0])}), 9)`;
  return { sql: `SELECT json_extract('{}', ${path}) FROM ${table} WHERE ${total} > ${LARGEST} LIMIT 1` };
}

function ask(request, env, url, queries) {
  const headers = { "MF-Namespace": request.headers.get("MF-Namespace") };
  return env.D1.fetch(new Request(url, { method: "POST", headers, body: JSON.stringify(queries) }));
}

async function rowChecks(request, env, tables) {
  const asked = tables.map((table) => ({ sql: "SELECT name FROM pragma_table_info(?)", params: [unquoted(table)] }));
  const answer = await ask(request, env, "http://d1/query", asked);
  const found = (await answer.json()).map(({ results }) => results.map(({ name }) => name));
  return tables.map((table, at) => [table, found[at]]).filter(([, columns]) => columns.length > 0);
}

async function checked(request, env, queries, tables) {
  const checks = (await rowChecks(request, env, tables)).map(([table, columns]) => rowCheck(table, columns));
  const answer = await ask(request, env, request.url, [...queries, ...checks]);
  const said = await answer.json();
  if (Array.isArray(said)) return Response.json(said.slice(0, queries.length));
  return refused(said.error.includes(MARK) ? TOO_BIG : said.error);
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/ping") return new Response("pong");
    if (pathname === "/busy") {
      const { database, why } = await request.json();
      why ? busy.set(database, why) : busy.delete(database);
      return new Response("noted");
    }
    const why = busy.get(request.headers.get("MF-Namespace"));
    if (why) return refused(why);
    if (request.method !== "POST") return env.D1.fetch(request);
    const body = await request.text();
    const queries = [JSON.parse(body)].flat();
    if (queries.some(({ params }) => (params ?? []).some((value) => size(value) > LARGEST))) return refused(TOO_BIG);
    const tables = [...new Set(queries.map(writtenTo).filter(Boolean))];
    if (tables.length > 0) return checked(request, env, queries, tables);
    return env.D1.fetch(new Request(request, { body }));
  },
};
