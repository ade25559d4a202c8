// Stands for another Worker: finds out where its current version runs and passes calls on, HTTP and RPC alike.
import { WorkerEntrypoint } from "cloudflare:workers";

const NOT_METHODS = new Set(["alarm", "connect", "self", "tail", "tailStream", "test", "trace", "then"]);

async function target(env, props) {
  const answer = await env.RESOLVE.fetch(`http://resolve/${encodeURIComponent(props.script)}`);
  if (!answer.ok) throw new Error(await answer.text());
  const { debug, service } = await answer.json();
  return env.DEBUG.connect(`unix:${debug}`).getEntrypoint(props.entrypoint ? "user" : service, props.entrypoint ?? undefined, {});
}

export default class Service extends WorkerEntrypoint {
  constructor(ctx, env) {
    super(ctx, env);
    return new Proxy(this, {
      get(self, name) {
        if (Reflect.has(self, name)) return Reflect.get(self, name);
        if (typeof name !== "string" || NOT_METHODS.has(name)) return undefined;
        return async (...args) => (await target(env, ctx.props))[name](...args);
      },
    });
  }

  async fetch(request) {
    return (await target(this.env, this.ctx.props)).fetch(request);
  }
}
