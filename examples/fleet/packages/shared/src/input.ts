import { Refusal } from "./respond.ts";

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The request's body as a JSON object; 400 when it is anything else. */
export async function object(request: Request): Promise<Json> {
  const body: unknown = await request.json().catch(() => undefined);
  if (!isObject(body)) {
    throw new Refusal(400, "the body must be a JSON object");
  }
  return body;
}

/** A text field that must be there and not be blank. */
export function required(fields: Json, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value.trim() === "") {
    throw new Refusal(400, `${name}: a text is needed`);
  }
  return value;
}
