// The server's side of a WebSocket, as far as wrangler tail needs it: texts out; of what comes in only ping and close
// count. A library's server would refuse wrangler's frames, which are not masked as the standard asks of a client.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;

function frame(opcode, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) head[1] = size;
  else if (size < 65536) (head[1] = 126, head.writeUInt16BE(size, 2));
  else (head[1] = 127, head.writeBigUInt64BE(BigInt(size), 2));
  return Buffer.concat([head, payload]);
}

// The first frame of `bytes`, or null while it is not all there.
function parse(bytes) {
  if (bytes.length < 2) return null;
  let at = 2, size = bytes[1] & 0x7f;
  if (size === 126) (size = bytes.length < 4 ? Infinity : bytes.readUInt16BE(2), at = 4);
  else if (size === 127) (size = bytes.length < 10 ? Infinity : Number(bytes.readBigUInt64BE(2)), at = 10);
  const mask = bytes[1] & 0x80 ? bytes.subarray(at, (at += 4)) : null;
  if (bytes.length < at + size) return null;
  const payload = Buffer.from(bytes.subarray(at, at + size));
  if (mask) for (let i = 0; i < size; i += 1) payload[i] ^= mask[i & 3];
  return { opcode: bytes[0] & 0x0f, payload, rest: bytes.subarray(at + size) };
}

// Completes the handshake; gives a function that sends a text and one that ends. `gone` is called once.
export function follow(request, socket, head, gone) {
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + GUID).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${accept}`];
  if (request.headers["sec-websocket-protocol"] !== undefined) lines.push("Sec-WebSocket-Protocol: trace-v1");
  socket.write([...lines, "", ""].join("\r\n"));
  let bytes = head;
  const take = (piece) => {
    bytes = Buffer.concat([bytes, piece]);
    for (let one; (one = parse(bytes)); bytes = one.rest) {
      if (one.opcode === PING) socket.write(frame(PONG, one.payload));
      if (one.opcode === CLOSE) return socket.end(frame(CLOSE, one.payload));
    }
  };
  socket.on("data", take);
  socket.once("close", gone);
  take(Buffer.alloc(0));
  return {
    send: (text) => socket.write(frame(TEXT, Buffer.from(text))),
    end: () => socket.end(frame(CLOSE, Buffer.alloc(0))),
  };
}
