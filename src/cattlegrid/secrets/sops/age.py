"""age, behind one small seam: who a file is encrypted for, and the keys on this machine that may open it.

The keys are found where SOPS itself looks for them: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_SSH_PRIVATE_KEY_FILE,
`sops/age/keys.txt` in the user's configuration folder, and the user's own SSH keys.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyrage

from cattlegrid.errors import MissingCredential, StoreError, UsageError
from cattlegrid.model.secret import Secret

KEY_VARIABLES: Final = ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_KEY_CMD")
_SECRET_LINE: Final = "AGE-SECRET-KEY-"  # noqa: S105 - how such lines begin
_SSH_KINDS: Final = ("ssh-ed25519", "ssh-rsa")
_SSH_FILES: Final = ("id_ed25519", "id_rsa")


@dataclass(frozen=True)
class Keyring:
    """Where this machine's keys are. `ask` gets a passphrase from a person; None when nobody is at a terminal."""

    environ: Mapping[str, str] = field(repr=False)
    ask: Callable[[str], str] | None = None


def recipient(text: str) -> str:
    """An age or SSH public key in the form that is kept: without comment. Raises UsageError for anything else."""
    words = text.split()
    kept = " ".join(words[:2]) if words and words[0] in _SSH_KINDS else text.strip()
    if kept.startswith(_SECRET_LINE):
        raise UsageError("that is a secret key; a recipient is named by its public key (age1… or ssh-ed25519 …)")
    try:
        _recipient(kept)
    except pyrage.RecipientError as error:
        raise UsageError(
            f"{text[:40]!r} is neither an age public key (age1…) nor an SSH one (ssh-ed25519 …, ssh-rsa …)",
            next="cattlegrid secrets recipients list",
        ) from error
    return kept


def wrap(key: bytes, recipients: Iterable[str]) -> list[dict[str, str]]:
    """The data key for each recipient, as SOPS keeps it."""
    return [
        {"recipient": one, "enc": pyrage.encrypt(key, [_recipient(one)], armored=True).decode()} for one in recipients
    ]


def unwrap(entries: Iterable[Mapping[str, str]], keyring: Keyring) -> bytes | None:
    """The data key, by the first of this machine's keys that opens an entry; None when none does."""
    wanted = tuple(entry["enc"].encode() for entry in entries)
    for identity in _identities(keyring, {entry["recipient"] for entry in entries}):
        for written in wanted:
            key = _decrypted(written, identity)
            if key is not None:
                return key
    return None


def _decrypted(written: bytes, identity: Any) -> bytes | None:
    try:
        key: bytes = pyrage.decrypt(written, [identity])
    except pyrage.DecryptError:
        return None
    return key


def seal(source: Path, to: Path, recipients: Iterable[str]) -> None:
    """Encrypts a file, piece by piece. `to` can be read by its owner only."""
    with source.open("rb") as plain, os.fdopen(os.open(to, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as sealed:
        pyrage.encrypt_io(plain, sealed, [_recipient(one) for one in recipients])


def unseal(source: Path, to: Path, keyring: Keyring) -> None:
    """Decrypts a file, piece by piece. Raises MissingCredential when no key of this machine opens it, StoreError when
    it is not whole.
    """
    identities = list(_identities(keyring, None))
    if not identities:
        raise MissingCredential("this machine has no age or SSH key", next="set SOPS_AGE_KEY_FILE")
    with source.open("rb") as sealed, os.fdopen(os.open(to, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as plain:
        try:
            pyrage.decrypt_io(sealed, plain, identities)
        except pyrage.DecryptError as error:
            if "No matching keys" in str(error):
                raise MissingCredential(
                    f"no key of this machine opens {source}", next="set SOPS_AGE_KEY_FILE to a recipient's key"
                ) from error
            raise StoreError(f"is not a whole age file: {error}", where=str(source)) from error
        except OSError as error:
            if error.errno is not None:  # The machine's own trouble, such as no room; age's has no number.
                raise
            raise StoreError(f"is not what was encrypted: {error}", where=str(source)) from error


def generate() -> tuple[Secret, str]:
    """A new age key and its public half."""
    made = pyrage.x25519.Identity.generate()
    return Secret(str(made)), str(made.to_public())


def own_recipients(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The public halves of this machine's keys, without asking for a passphrase: age keys first, then SSH's."""
    keyring = Keyring(environ)
    found = [str(identity.to_public()) for identity in _age_identities(keyring)]
    for file in _ssh_files(environ):
        public = file.with_name(f"{file.name}.pub")
        if public.is_file():
            found.append(recipient(public.read_text("utf-8")))
    return tuple(dict.fromkeys(found))


def _recipient(text: str) -> Any:
    if text.startswith(_SSH_KINDS):
        return pyrage.ssh.Recipient.from_str(text)
    return pyrage.x25519.Recipient.from_str(text)


def _identities(keyring: Keyring, recipients: set[str] | None) -> Iterator[Any]:
    """With `recipients`, SSH keys only of those: others might ask for a passphrase to no use."""
    yield from _age_identities(keyring)
    for file in _ssh_files(keyring.environ):
        public = file.with_name(f"{file.name}.pub")
        known = recipient(public.read_text("utf-8")) if public.is_file() else None
        if known is None or recipients is None or known in recipients:
            yield _ssh_identity(file, keyring)


def _age_identities(keyring: Keyring) -> Iterator[Any]:
    environ = keyring.environ
    yield from _age_lines(environ.get("SOPS_AGE_KEY", ""), "SOPS_AGE_KEY")
    named = environ.get("SOPS_AGE_KEY_FILE", "")
    if named:
        if not Path(named).is_file():
            raise MissingCredential(f"SOPS_AGE_KEY_FILE names {named}, which is not there")
        yield from _age_lines(_private(Path(named)), named)
    configuration = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    usual = Path(configuration, "sops", "age", "keys.txt")
    if configuration and usual.is_file() and str(usual) != named:
        yield from _age_lines(_private(usual), str(usual))


def _age_lines(text: str, where: str) -> Iterator[Any]:
    for line in text.split():
        if line.startswith(_SECRET_LINE):
            try:
                yield pyrage.x25519.Identity.from_str(line)
            except pyrage.IdentityError as error:
                raise StoreError("holds a line that is not a whole age key", where=where) from error


def _ssh_files(environ: Mapping[str, str]) -> Iterator[Path]:
    named = environ.get("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "")
    if named:
        if not Path(named).is_file():
            raise MissingCredential(f"SOPS_AGE_SSH_PRIVATE_KEY_FILE names {named}, which is not there")
        yield Path(named)
    if environ.get("HOME"):
        usual = (Path(environ["HOME"], ".ssh", name) for name in _SSH_FILES)
        yield from (file for file in usual if file.is_file() and str(file) != named)


def _ssh_identity(file: Path, keyring: Keyring) -> Any:
    raw = _private(file).encode()
    try:
        return pyrage.ssh.Identity.from_buffer(raw)
    except pyrage.IdentityError as error:
        if "decrypted first" not in str(error):
            raise StoreError(f"is not an SSH key that age can use: {error}", where=str(file)) from error
    if keyring.ask is None:
        raise MissingCredential(
            f"{file} is protected by a passphrase, and nobody is at a terminal to give it",
            next="repeat the command at a terminal, or use an age key: cattlegrid secrets identity --help",
        )
    return pyrage.ssh.Identity.from_buffer(_unlocked(raw, file, keyring.ask(f"Passphrase of {file}: ")))


def _unlocked(raw: bytes, file: Path, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - rarely needed
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_ssh_private_key,
    )

    try:
        key = load_ssh_private_key(raw, passphrase.encode())
    except (TypeError, ValueError) as error:
        raise MissingCredential(f"that is not the passphrase of {file}") from error
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _private(file: Path) -> str:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise StoreError(f"can be read by others (mode {mode:04o})", where=str(file), next=f"chmod 600 {file}")
    return file.read_text("utf-8")
