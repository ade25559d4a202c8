// Beside a user's Worker: hands it the events that no HTTP request carries.
const body = (message) => {
  const bytes = Uint8Array.from(atob(message.body), (character) => character.charCodeAt(0));
  switch (message.contentType) {
    case "v8":
      return { serializedBody: bytes };
    case "bytes":
      return { body: bytes };
    case "text":
      return { body: new TextDecoder().decode(bytes) };
    default:
      return { body: JSON.parse(new TextDecoder().decode(bytes)) };
  }
};

export default {
  async fetch(request, env) {
    const event = await request.json();
    if (new URL(request.url).pathname === "/scheduled") {
      const { outcome } = await env.USER.scheduled({ cron: event.cron, scheduledTime: new Date(event.time) });
      return Response.json({ outcome });
    }
    const messages = event.messages.map((message) => ({
      id: message.id,
      timestamp: new Date(message.timestamp),
      attempts: message.attempts,
      ...body(message),
    }));
    return Response.json(await env.USER.queue(event.queue, messages));
  },
};
