"""Every setting of `cattlegrid.toml`: name, kind, default, one line of help. Validation and the reference page come
from these rows. In a name, `*` stands for a name of the user's and `[]` for each entry of a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cattlegrid.model.environment import Environment
from cattlegrid.settings.kinds import (
    ANY,
    COUNT,
    DURATION,
    HEADERS,
    PATH,
    PATH_OR_OFF,
    PATTERN,
    SSH_KEYS,
    STATUS,
    TABLES,
    TEXT,
    TEXTS,
    YES_OR_NO,
    Kind,
    choice,
    choices,
    mask,
)

METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
GATE: Final = ("smoke", "isolation", "migrations", "secrets", "rehearsal", "approval")
STORES: Final = ("sops", "dotenv", "infisical")
FORMS: Final = ("text", "hex", "base64", "url", "json", "pem")
MASKS: Final = (
    "name", "email", "phone", "hostname", "url", "ip", "address", "text", "number", "date-shift", "hash",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """`required` settings have no default."""

    name: str
    kind: Kind
    default: object
    help: str
    required: bool = False


def _secrets(path: str) -> tuple[Setting, ...]:
    """The lists of names, and what is said of each: the fleet's own, and once more for each venture's."""
    about = f"{path}.about.*"
    return (
        Setting(f"{path}.isolated", TEXTS, (), "Secrets that exist in both environments and differ."),
        Setting(f"{path}.shared", TEXTS, (), "Secrets that exist in both environments and are equal."),
        Setting(f"{path}.production-only", TEXTS, (), "Secrets that must not exist in staging."),
        Setting(f"{path}.staging-only", TEXTS, (), "Secrets that must not exist in production."),
        Setting(f"{about}.form", choice(*FORMS), "text", "What a value of this secret looks like."),
        Setting(f"{about}.prefix", TEXT, None, "How a value begins."),
        Setting(f"{about}.pattern", PATTERN, None, "Regular expression that a whole value matches."),
        Setting(f"{about}.min-length", COUNT, 0, "The fewest characters of a value; 16 for isolated secrets."),
        Setting(f"{about}.generate", choice("base64url", "hex"), None, "32 random bytes, written like this."),
        Setting(f"{about}.max-age", DURATION, 0.0, "The age at which `secrets check` asks for a rotation."),
        Setting(f"{about}.used-by", TEXTS, (), "Who else uses it: ci, or agents (a venture's are given to them)."),
        Setting(f"{about}.aliases", TEXTS, (), "Other names under which the same value is known."),
    )


SETTINGS: Final = (
    Setting("fleet.name", TEXT, None, "The fleet's name, as it is shown in reports.", required=True),
    Setting("fleet.workers", TEXTS, None, "Folders that hold a wrangler file; globs are allowed.", required=True),
    Setting("fleet.shared", TEXTS, (), "Paths and globs whose change touches every worker."),
    Setting("environments.*.account_id", TEXT, None, "The environment's own account; else CLOUDFLARE_ACCOUNT_ID."),
    Setting(
        "environments.*.token",
        TEXT,
        "CLOUDFLARE_API_TOKEN",
        "Name of the environment variable that holds the environment's API token.",
    ),
    Setting("environments.*.block", TEXT, "", "Name of its block in wrangler's files, if another than its own."),
    Setting("environments.*.gate", choices(*GATE), (), "Conditions of a promotion into this environment."),
    Setting("environments.*.soak", DURATION, 0.0, "How long a candidate must have been live in staging."),
    Setting("environments.*.approval", choice("signature", "person"), None, "How a person approves."),
    Setting("environments.*.signers", TEXT, None, "Path of an allowed-signers file of OpenSSH, beside [approvers]."),
    Setting("environments.*.self_approval", YES_OR_NO, True, "Whether an author of the release may approve it."),
    Setting("approvers.*.keys", SSH_KEYS, None, "The person's SSH public keys.", required=True),
    Setting("approvers.*.emails", TEXTS, (), "The person's addresses in commits, for `self_approval = false`."),
    Setting("approvers.*.revoked", SSH_KEYS, (), "Keys that count no longer, from any commit that says so."),
    Setting("workers.*.smoke[]", TABLES, (), "HTTP checks that the worker must pass after a deploy; also smoke.toml."),
    *(Setting(f"workers.*.smoke[].{method}", PATH, None, f"Path of a {method.upper()} request.") for method in METHODS),
    Setting("workers.*.smoke[].send", ANY, None, "JSON to send as the body."),
    Setting("workers.*.smoke[].status", STATUS, 200, "The status that must come back."),
    Setting("workers.*.smoke[].auth", TEXT, None, 'Name of the secret sent as the key; "none" sends no key.'),
    Setting("workers.*.smoke[].headers", HEADERS, {}, "Headers to send."),
    Setting("workers.*.smoke[].answers", HEADERS, {}, "Headers that must come back, and what their values contain."),
    Setting("workers.*.smoke[].json", ANY, None, "JSON that the answer must contain."),
    Setting("workers.*.smoke[].text", TEXT, None, "Text that the answer must contain."),
    Setting("workers.*.smoke[].within", DURATION, None, "The longest time the answer may take."),
    Setting("workers.*.smoke[].only", choice("staging", "production"), None, "Ask in this environment alone."),
    Setting("workers.*.smoke[].name", TEXT, "", "What the step is called (smoke.toml only)."),
    Setting(
        "workers.*.smoke[].take.*",
        TEXT,
        None,
        "Path of a value in the answer (`session.id`); later steps write the name in braces (smoke.toml only).",
    ),
    Setting("workers.*.health", PATH_OR_OFF, "/health", "Path that tells the answering version; false: none."),
    Setting("workers.*.probe", PATH_OR_OFF, None, "Path that reads the databases through the worker's bindings."),
    Setting("workers.*.auth.header", TEXT, "Authorization", "Header that carries the key."),
    Setting("workers.*.auth.scheme", TEXT, "Bearer", "Word before the key."),
    Setting("workers.*.auth.secret", TEXT, None, "Name of the secret that is the key.", required=True),
    Setting("workers.*.secrets", TEXTS, (), "Names of the secrets that this worker needs."),
    Setting("workers.*.mcp", PATH, None, "Path at which this worker serves MCP."),
    Setting(
        "workers.*.tools.*",
        choice("read", "write", "destructive"),
        None,
        "What an MCP tool of this worker does, whatever the worker says; in production a person is asked for writes.",
    ),
    Setting("workers.*.inputs", TEXTS, (), "Paths and globs outside the folder that go into the worker."),
    Setting("secrets.store", choice(*STORES), "sops", "Where secrets are kept."),
    *_secrets("secrets"),
    Setting("secrets.about.*.workers", TEXTS, (), "Workers that use it, when neither their config nor code says so."),
    Setting("secrets.about.*.previous", TEXT, None, "Name under which its Workers accept a second value."),
    Setting("secrets.infisical.url", TEXT, "https://app.infisical.com", "Address of the Infisical instance."),
    Setting("secrets.infisical.project", TEXT, None, "Id of the project in Infisical."),
    Setting("secrets.infisical.path", PATH, "/", "Folder of the secrets in Infisical."),
    Setting("secrets.infisical.staging", TEXT, "staging", "Infisical's name of staging."),
    Setting("secrets.infisical.production", TEXT, "prod", "Infisical's name of production."),
    Setting("check.ignore[]", TABLES, (), "Findings of `check` that do not count."),
    Setting("check.ignore[].rule", TEXT, None, "Code of the rule, such as C301.", required=True),
    Setting("check.ignore[].file", TEXT, None, "Only in this file; globs are allowed."),
    Setting("check.ignore[].reason", TEXT, None, "Why it does not count.", required=True),
    Setting("mirror.key", TEXT, "MIRROR_KEY", "Name of the secret that masks are keyed with."),
    Setting("mirror.skip", TEXTS, (), "Tables, or patterns of tables, whose rows staging keeps as they are."),
    Setting("mirror.schema-only", TEXTS, (), "Tables, or patterns, that are made and left empty."),
    Setting("mirror.accept", TEXTS, (), "`table.column`s in which addresses and telephone numbers are meant to be."),
    Setting("mirror.mask.*", mask(*MASKS), None, "What becomes of `table.column` (patterns are allowed)."),
    Setting("backup.folder", TEXT, "backups", "Where backups go, relative to the repository's root."),
    Setting("backup.recipients", TEXTS, (), "age or SSH public keys: every backup is encrypted for these."),
    Setting("agents.hosts", TEXTS, (), "What a sandboxed agent may reach besides the workers: registries, say."),
    Setting("ventures.*.environments", choices(*Environment), None, "Environments of the venture.", required=True),
    *_secrets("ventures.*.secrets"),
)
