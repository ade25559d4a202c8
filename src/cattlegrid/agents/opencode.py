"""opencode: its whole configuration in one variable; the guard as a plugin, since it has no command hooks."""

from __future__ import annotations

import json

from cattlegrid.agents.launch import OWN, SERVER, Launch, Start
from cattlegrid.agents.session import VARIABLE

_PLUGIN = """\
import { spawnSync } from "node:child_process";

const [program, ...words] = OWN;

/** Every tool passes the guard; whatever goes wrong there, the tool is blocked. */
export const Cattlegrid = async () => ({
  "tool.execute.before": async (input, output) => {
    const asked = JSON.stringify({ tool_name: input.tool, tool_input: output.args ?? {} });
    const env = { ...process.env, [VARIABLE]: FOLDER };
    const done = spawnSync(program, [...words, "guard", "--for", "opencode"], { input: asked, env, timeout: 10000 });
    if (done.status !== 0) {
      throw new Error(String(done.stderr ?? "").trim() || "cattlegrid's guard did not answer; the tool is blocked");
    }
  },
});
"""


def launch(start: Start) -> Launch:
    plugin = start.folder / "opencode-guard.js"
    config = {
        "$schema": "https://opencode.ai/config.json",
        "mcp": {
            SERVER: {
                "type": "local",
                "command": [*OWN, "mcp"],
                "environment": {VARIABLE: str(start.folder)},
                "enabled": True,
                "timeout": 30000,
            }
        },
        "instructions": [str(start.folder / "banner.md")],
        "plugin": [f"file://{plugin}"],
        "permission": {"bash": {"*": "allow", "*wrangler*production*": "deny", "cattlegrid promote*": "deny"}},
    }
    source = (
        _PLUGIN.replace("OWN;", f"{json.dumps(list(OWN))};")
        .replace("[VARIABLE]: FOLDER", f"{VARIABLE}: {json.dumps(str(start.folder))}")
    )  # fmt: skip
    files = {"opencode-guard.js": source, "banner.md": "\n".join(start.banner) + "\n"}
    unprotected: tuple[str, ...] = ("opencode shows no banner to the person; its model reads it",)
    if start.sandbox:
        unprotected += ("the network stays open: opencode has no sandbox of its own",)
    return Launch(start.argv, {"OPENCODE_CONFIG_CONTENT": json.dumps(config)}, files, unprotected)
