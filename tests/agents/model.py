"""A model API that says what a script says, in the four dialects that agent CLIs speak. A program of its own.

python model.py PORT_FILE SCRIPT LOG     SCRIPT: [["shell", "ls"], ["mcp", "status", {…}], ["write", "file", "text"]]

Each request is a line of LOG. The n-th tool call of the script is told when n results have come back, then `done.`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCRIPT: list[list[Any]] = []
LOG = Path()
TURN = threading.Lock()


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        self._send(b'{"data":[],"models":[]}', "application/json")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            asked = json.loads(raw)
        except ValueError:
            asked = {"unreadable": raw.decode("utf-8", "replace")}
        with TURN, LOG.open("a") as log:
            log.write(json.dumps({"at": time.time(), "path": self.path, "body": asked}) + "\n")
        if "count_tokens" in self.path or "countTokens" in self.path:
            self._send(b'{"input_tokens":10,"totalTokens":10}', "application/json")
            return
        for part, speak in DIALECTS.items():
            if part in self.path:
                pieces = speak(asked)
                if "generateContent" in self.path or (part in {"/messages", "/chat/"} and not asked.get("stream")):
                    self._send(json.dumps(whole(part, asked)).encode(), "application/json")
                    return
                text = "".join(pieces)
                self._send(text.encode(), "text/event-stream")
                return
        self._send(b"{}", "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def step(done: int, tools: list[str]) -> tuple[str, dict[str, Any]] | None:
    """The next tool call in this agent's own words; None when the script is over or this is no agent's turn."""
    if not tools or done >= len(SCRIPT):
        return None
    kind, *rest = SCRIPT[done]
    if kind == "shell":
        name = next(name for name in ("Bash", "exec_command", "shell", "run_shell_command", "bash") if name in tools)
        key = "cmd" if name == "exec_command" else "command"
        value: Any = ["bash", "-c", rest[0]] if name == "shell" else rest[0]
        return name, {key: value, **({"description": "a step"} if name in {"Bash", "bash"} else {})}
    if kind == "write":
        name = next((name for name in ("Write", "write_file", "write") if name in tools), "")
        if not name:
            patch = f"*** Begin Patch\n*** Add File: {rest[0]}\n+{rest[1]}\n*** End Patch\n"
            return "apply_patch", {"input": patch}
        key = {"Write": "file_path", "write_file": "file_path", "write": "filePath"}[name]
        return name, {key: rest[0], "content": rest[1]}
    wanted = rest[0]
    name = next(
        (name for name in tools if name.endswith(wanted) and "cattlegrid" in name), f"mcp__cattlegrid__{wanted}"
    )
    return name, dict(rest[1]) if len(rest) > 1 else {}


def anthropic(asked: dict[str, Any]) -> Iterator[str]:
    def event(name: str, **fields: Any) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"

    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": []}
    yield event("message_start", message={**start, "usage": {"input_tokens": 1, "output_tokens": 1}})
    for block in blocks(asked):
        if block["type"] == "tool_use":
            yield event("content_block_start", index=0, content_block={**block, "input": {}})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            delta = {"type": "text_delta", "text": block["text"]}
        yield event("content_block_delta", index=0, delta=delta)
        yield event("content_block_stop", index=0)
        reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
        yield event("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 1})
    yield event("message_stop")


def blocks(asked: dict[str, Any]) -> list[dict[str, Any]]:
    contents = [message["content"] for message in asked.get("messages", []) if isinstance(message["content"], list)]
    done = sum(part.get("type") == "tool_result" for content in contents for part in content)
    found = step(done, [tool["name"] for tool in asked.get("tools", [])])
    if found is None:
        return [{"type": "text", "text": "done."}]
    return [{"type": "tool_use", "id": f"toolu_{done}", "name": found[0], "input": found[1]}]


def responses(asked: dict[str, Any]) -> Iterator[str]:
    def event(name: str, **fields: Any) -> str:
        return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"

    items = asked.get("input", [])
    items = items if isinstance(items, list) else []
    done = sum(str(item.get("type", "")).endswith("_call_output") for item in items)
    names: list[str] = []
    for tool in asked.get("tools", []):
        names += [tool.get("name", "")]
        names += [f"{tool['name']}{inner['name']}" for inner in tool.get("tools", []) if tool.get("name")]
    found = step(done, names)
    yield event("response.created", response={"id": f"resp_{done}"})
    if found is None:
        text = [{"type": "output_text", "text": "done."}]
        yield event(
            "response.output_item.done", item={"type": "message", "role": "assistant", "content": text, "id": "m"}
        )
    elif found[0] == "apply_patch":
        call = {"type": "custom_tool_call", "call_id": f"call_{done}", "name": "apply_patch", **found[1]}
        yield event("response.output_item.done", item=call)
    else:
        name = found[0]
        call = {"type": "function_call", "call_id": f"call_{done}", "name": name, "arguments": json.dumps(found[1])}
        for tool in asked.get("tools", []):
            if tool.get("tools") and name.startswith(tool["name"]) and name != tool["name"]:
                call |= {"namespace": tool["name"], "name": name.removeprefix(tool["name"])}
        yield event("response.output_item.done", item=call)
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    yield event("response.completed", response={"id": f"resp_{done}", "usage": usage})


def gemini(asked: dict[str, Any]) -> Iterator[str]:
    yield f"data: {json.dumps(gemini_answer(asked))}\n\n"


def gemini_answer(asked: dict[str, Any]) -> dict[str, Any]:
    parts = [part for content in asked.get("contents", []) for part in content.get("parts", [])]
    done = sum("functionResponse" in part for part in parts)
    names = [one["name"] for tool in asked.get("tools", []) for one in tool.get("functionDeclarations", [])]
    found = step(done, names)
    said = {"text": "done."} if found is None else {"functionCall": {"name": found[0], "args": found[1]}}
    if asked.get("generationConfig", {}).get("responseMimeType") == "application/json":
        said = {"text": '{"reasoning":"","next_speaker":"user"}'}
    candidate = {"content": {"role": "model", "parts": [said]}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": {"totalTokenCount": 2}}


def chat(asked: dict[str, Any]) -> Iterator[str]:
    message = whole("/chat/", asked)["choices"][0]["message"]
    calls = [{**call, "index": 0} for call in message.get("tool_calls", [])]
    delta = {"role": "assistant", "tool_calls": calls} if calls else {"role": "assistant", "content": "done."}
    for piece, reason in ((delta, None), ({}, "tool_calls" if calls else "stop")):
        choice = {"index": 0, "delta": piece, "finish_reason": reason}
        yield f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
    yield "data: [DONE]\n\n"


def whole(part: str, asked: dict[str, Any]) -> dict[str, Any]:
    if part == "/messages":
        usage = {"input_tokens": 1, "output_tokens": 1}
        return {"id": "m", "type": "message", "role": "assistant", "content": blocks(asked), "usage": usage}
    if part == "/chat/":
        done = sum(message.get("role") == "tool" for message in asked.get("messages", []))
        found = step(done, [tool["function"]["name"] for tool in asked.get("tools", [])])
        message: dict[str, Any] = {"role": "assistant", "content": "done."}
        if found is not None:
            function = {"name": found[0], "arguments": json.dumps(found[1])}
            message["tool_calls"] = [{"id": f"call_{done}", "type": "function", "function": function}]
        return {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
    return gemini_answer(asked)


DIALECTS = {
    "/messages": anthropic,
    "/responses": responses,
    "streamGenerateContent": gemini,
    "generateContent": gemini,
    "/chat/": chat,
}

if __name__ == "__main__":
    port_file, script, log = map(Path, sys.argv[1:])
    SCRIPT, LOG = json.loads(script.read_text()), log
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    port_file.write_text(str(server.server_port))
    server.serve_forever()
