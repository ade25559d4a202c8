// Started once at validation: says which handlers the Worker's main module has.
import * as user from "USER_MAIN";

const EVENTS = ["fetch", "scheduled", "queue", "email", "tail", "trace", "test", "connect"];

function names(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return [];
  const place = typeof value === "function" ? value.prototype : value;
  return place ? EVENTS.filter((event) => typeof place[event] === "function") : [];
}

export default {
  fetch: () => Response.json([...new Set([user.default, ...Object.values(user)].flatMap(names))]),
};
