"""SSH signatures by OpenSSH's own `ssh-keygen -Y`, in the namespace `cattlegrid`. A key that asks for a touch works."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import Refused
from cattlegrid.process import Finished, run

NAMESPACE: Final = "cattlegrid"
_KEPT: Final = frozenset({
    "DISPLAY", "HOME", "LANG", "PATH", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "TERM",
    "USER", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
})  # fmt: skip
_HEAD: Final = "-----BEGIN SSH SIGNATURE-----"


@dataclass(frozen=True)
class Signers:
    """`allowed` are lines of OpenSSH's allowed-signers format, `revoked` are public keys."""

    allowed: tuple[str, ...]
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verified:
    """`principal` signed, as the allowed-signers lines name them; empty when nobody did, and `why` then says so."""

    principal: str
    why: str = ""


def sign(document: bytes, key: Path, environ: Mapping[str, str]) -> bytes:
    """The armoured signature. Raises Refused when ssh-keygen does not make one, with its words.

    `key` is a private key, or a public one whose private half an ssh-agent or a security key holds.
    """
    done = _keygen(["sign", "-f", str(key.absolute())], document, environ)
    if done.code != 0 or not done.out.startswith(_HEAD):
        raise Refused(
            f"ssh-keygen made no signature: {_said(done)}", where=str(key), next="cattlegrid approve --key FILE"
        )
    return done.raw


def verify(document: bytes, signature: bytes, signers: Signers, environ: Mapping[str, str]) -> Verified:
    """Who of the signers signed exactly this document. Dates and namespaces in the lines are ssh-keygen's to judge."""
    with tempfile.TemporaryDirectory(prefix="cattlegrid-verify-") as folder:
        files = {"signature": signature.decode("utf-8", "replace")}
        files |= {"allowed": _lines(signers.allowed), "revoked": _lines(signers.revoked)}
        paths = {name: Path(folder) / name for name in files}
        for name, text in files.items():
            paths[name].write_text(text, "utf-8")
        both = ["-s", str(paths["signature"]), "-f", str(paths["allowed"])]
        found = _keygen(["find-principals", *both], None, environ)
        if found.code != 0 or not found.out.strip():
            return Verified("", f"signed by {fingerprint(signature)}, a key that nobody among the approvers has")
        principal = found.out.splitlines()[0].strip()
        words = ["verify", *both, "-I", principal]
        done = _keygen([*words, "-r", str(paths["revoked"])], document, environ)
        if done.code == 0:
            return Verified(principal)
        if signers.revoked and _keygen(words, document, environ).code == 0:
            return Verified("", f"its key {fingerprint(signature)} is revoked")
        return Verified("", _said(done))


def fingerprint(signature: bytes) -> str:
    """The SHA256 fingerprint of the key in a signature, as `ssh-keygen -l` shows it."""
    try:
        body = b"".join(line for line in signature.splitlines() if line and not line.startswith(b"-----"))
        blob = base64.b64decode(body, validate=True)
    except ValueError:
        return "no readable key"
    if not blob.startswith(b"SSHSIG") or len(blob) < 14:
        return "no readable key"
    length = int.from_bytes(blob[10:14])
    digest = hashlib.sha256(blob[14 : 14 + length]).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _keygen(words: list[str], document: bytes | None, environ: Mapping[str, str]) -> Finished:
    kept = {name: environ[name] for name in _KEPT if name in environ}
    argv = ["ssh-keygen", "-Y", words[0], "-n", NAMESPACE, *words[1:]]
    return run(argv, cwd=Path("/"), env={**kept, "LC_ALL": "C"}, input=document)


def _lines(lines: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _said(done: Finished) -> str:
    return " ".join((done.err or done.out).split()) or f"exit code {done.code}"
