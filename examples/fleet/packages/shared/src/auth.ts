import { sameText } from "./constant-time.ts";
import { Refusal } from "./respond.ts";

/** A secret of the Worker; undefined until somebody has put it there. */
export type Key = string | undefined;

/** Refuses with 401 unless the request carries `Authorization: Bearer <key>`. Without a key everybody is refused. */
export async function authorized(request: Request, key: Key): Promise<void> {
  const sent = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (!key || !sent || !(await sameText(sent, key))) {
    throw new Refusal(401, "a valid key is needed: Authorization: Bearer <key>");
  }
}
