export { authorized, type Key } from "./auth.ts";
export { sameText } from "./constant-time.ts";
export { probe } from "./database.ts";
export { health, type VersionMetadata } from "./health.ts";
export { isObject, object, required, type Json } from "./input.ts";
export { failure, json, Refusal, refusing } from "./respond.ts";
