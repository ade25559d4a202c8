// Beside a user's Worker while somebody tails it: passes on what it logged and how its events ended.
export default {
  async tail(events, env) {
    const body = JSON.stringify(events);
    await env.BROKER.fetch(`http://broker/tail/${env.SCRIPT}/${env.VERSION}`, { method: "POST", body });
  },
};
