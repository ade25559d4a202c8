// What Workers' D1 bindings pass on their way to the databases: a database that is being exported, imported or restored
// refuses them as it refuses REST, and a value over D1's limit does not get in.
const LARGEST = 2_000_000;
const busy = new Map(); // database -> why it must be waited for

const refused = (error) => Response.json({ success: false, error }, { status: 500 });

function size(value) {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  return Array.isArray(value) ? value.length : 0;
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
    if (Number(request.headers.get("content-length") ?? Infinity) > LARGEST) {
      const body = await request.text();
      const queries = [JSON.parse(body)].flat();
      if (queries.some(({ params }) => (params ?? []).some((value) => size(value) > LARGEST))) {
        return refused("string or blob too big: SQLITE_TOOBIG");
      }
      return env.D1.fetch(new Request(request, { body }));
    }
    return env.D1.fetch(request);
  },
};
