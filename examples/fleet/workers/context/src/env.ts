import type { Key, VersionMetadata } from "@crane/shared";

export interface Env {
  DB: D1Database;
  LAST_SEEN: KVNamespace;
  VERSION: VersionMetadata;
  ENVIRONMENT: string;
  CONTEXT_KEY: Key;
  ADMIN_KEY: Key;
}
