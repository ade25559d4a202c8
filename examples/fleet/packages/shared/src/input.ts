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

/** A text field that must be there, not blank and not longer than so many characters. */
export function required(fields: Json, name: string, longest = 500): string {
  const value = fields[name];
  if (typeof value !== "string" || value.trim() === "") {
    throw new Refusal(400, `${name}: a text is needed`);
  }
  if (value.length > longest) {
    throw new Refusal(400, `${name}: ${value.length} characters, ${longest} are allowed`);
  }
  return value;
}
