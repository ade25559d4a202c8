/** An answer that is not a success; thrown anywhere, answered by `refusing`. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

export function failure(refusal: Refusal): Response {
  const response = json({ error: refusal.message }, refusal.status);
  if (refusal.status === 401) {
    response.headers.set("www-authenticate", "Bearer");
  }
  return response;
}

/** Runs a handler and turns its Refusal into a response. Other errors stay errors: the runtime reports them. */
export async function refusing(handler: () => Promise<Response>): Promise<Response> {
  try {
    return await handler();
  } catch (error) {
    if (error instanceof Refusal) {
      return failure(error);
    }
    throw error;
  }
}
