import { json } from "./respond.ts";

export interface VersionMetadata {
  id: string;
  tag: string;
  timestamp: string;
}

/** Tells which version of which worker answers; needs no key and touches no database. */
export function health(worker: string, environment: string, version: VersionMetadata): Response {
  const { id, tag, timestamp } = version;
  return json({ status: "ok", worker, environment, version: { id, tag, timestamp } });
}
