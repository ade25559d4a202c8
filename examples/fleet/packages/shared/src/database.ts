import { json } from "./respond.ts";

const ENVIRONMENT = "SELECT value FROM _cattlegrid WHERE name = 'environment'";
const MIGRATION = "SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1";

interface Reading {
  environment: string | null;
  migration: string | null;
}

/** Which environment's databases the bindings really lead to, and how far each has been migrated. */
export async function probe(databases: Record<string, D1Database>): Promise<Response> {
  try {
    const readings = await Promise.all(Object.entries(databases).map(reading));
    return json({ database: "ok", databases: Object.fromEntries(readings) });
  } catch (error) {
    return json({ database: "error", error: error instanceof Error ? error.message : String(error) }, 503);
  }
}

async function reading([binding, database]: [string, D1Database]): Promise<[string, Reading]> {
  const environment = await database.prepare(ENVIRONMENT).first<string>("value");
  const migration = await database.prepare(MIGRATION).first<string>("name");
  return [binding, { environment, migration }];
}
