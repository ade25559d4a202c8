"""What can go wrong, in the words a person reads.

Every error says what is wrong, where, and what to type next. Codes are stable; exit codes are the command's.

    CattlegridError                 exit
    ├── UsageError                  2     the command line or the environment around it is not usable
    │   ├── UnknownEnvironment            CG-ENVIRONMENT
    │   ├── UnknownWorker                 CG-WORKER
    │   └── MissingCredential             CG-CREDENTIAL
    ├── ConfigError                 2     CG-CONFIG: cattlegrid.toml or a wrangler file, with the path to the value
    ├── ToolError                   1     a program that we drive is missing, too old, or did not do its work
    │   ├── ToolMissing                   CG-TOOL-MISSING
    │   ├── ToolTooOld                    CG-TOOL-OLD
    │   └── ToolFailed                    CG-TOOL-FAILED
    ├── ApiError                    1     CG-API: Cloudflare answered with an error, or could not be reached
    ├── StoreError                  1     CG-STORE: a store of secrets was tampered with, or cannot be read or written
    ├── Refused                     3     a rule says no; nothing was changed
    │   ├── StalePlan                     CG-STALE: the live state moved under the plan
    │   ├── Backwards                     CG-BACKWARDS: older than what is live
    │   ├── Locked                        CG-LOCKED: another run holds the lock
    │   └── GateClosed                    CG-GATE: a condition of promotion is not met
    ├── Failed                      1     CG-FAILED: the work was tried and did not succeed
    └── NotMeasured                 4     CG-NOT-MEASURED: there was nothing to examine, so nothing passed
"""

from __future__ import annotations

from typing import ClassVar, Final


class CattlegridError(Exception):
    """`what` is wrong, `where` (a file and path, a URL, a worker), and the `next` command to type."""

    code: ClassVar[str] = "CG-ERROR"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next = next

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class UsageError(CattlegridError):
    code = "CG-USAGE"
    exit_code = 2


class UnknownEnvironment(UsageError):
    code = "CG-ENVIRONMENT"


class UnknownWorker(UsageError):
    code = "CG-WORKER"


class MissingCredential(UsageError):
    code = "CG-CREDENTIAL"


class ConfigError(CattlegridError):
    """All mistakes of the configuration at once: each with its file and the path to the value."""

    code = "CG-CONFIG"
    exit_code = 2

    def __init__(self, mistakes: tuple[Mistake, ...], *, next: str = "") -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes), next=next)
        self.mistakes = mistakes


class Mistake:
    """One mistake in a configuration file: `file`, `path` (`workers.context.smoke[1].status`) and what is wrong."""

    __slots__ = ("file", "path", "what")

    def __init__(self, file: str, path: str, what: str) -> None:
        self.file = file
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.path, self.what) if part)


class ToolError(CattlegridError):
    code = "CG-TOOL"


class ToolMissing(ToolError):
    code = "CG-TOOL-MISSING"


class ToolTooOld(ToolError):
    code = "CG-TOOL-OLD"


class ToolFailed(ToolError):
    code = "CG-TOOL-FAILED"


class ApiError(CattlegridError):
    """Cloudflare's answer: HTTP `status` (0: no answer came) and its own error `number` (0: none given).

    `retry_after` in seconds, as the answer asked for; 0 when it did not.
    """

    code = "CG-API"

    def __init__(self, what: str, *, status: int = 0, number: int = 0, where: str = "", next: str = "") -> None:
        super().__init__(what, where=where, next=next)
        self.status = status
        self.number = number
        self.retry_after = 0.0


class StoreError(CattlegridError):
    code = "CG-STORE"


class Refused(CattlegridError):
    code = "CG-REFUSED"
    exit_code = 3


class StalePlan(Refused):
    code = "CG-STALE"


class Backwards(Refused):
    code = "CG-BACKWARDS"


class Locked(Refused):
    code = "CG-LOCKED"


class GateClosed(Refused):
    code = "CG-GATE"


class Failed(CattlegridError):
    code = "CG-FAILED"


class NotMeasured(CattlegridError):
    code = "CG-NOT-MEASURED"
    exit_code = 4


MEANING: Final = {
    "CG-ERROR": "something went wrong that has no code of its own",
    "CG-USAGE": "the command line, or the place where it was typed, is not usable",
    "CG-ENVIRONMENT": "an environment name that is neither `staging` nor `production`",
    "CG-WORKER": "a worker that the fleet does not have",
    "CG-CREDENTIAL": "an API token or account that is not set",
    "CG-CONFIG": "mistakes in `cattlegrid.toml` or a wrangler file, each with file and path",
    "CG-TOOL": "a program that cattlegrid drives is not usable",
    "CG-TOOL-MISSING": "a program is not installed, or cannot be started",
    "CG-TOOL-OLD": "a program is older than cattlegrid can drive",
    "CG-TOOL-FAILED": "a program ended badly or said something that cannot be read; its last words are shown",
    "CG-API": "Cloudflare answered with an error, or could not be reached",
    "CG-STORE": "a store of secrets was tampered with, or cannot be read or written",
    "CG-REFUSED": "a rule says no; nothing was changed",
    "CG-STALE": "what is live changed after the plan was made; nothing was changed",
    "CG-BACKWARDS": "the commit is older than what is live, or not a descendant of it; nothing was changed",
    "CG-LOCKED": "another deploy or promotion of this environment is running; nothing was changed",
    "CG-GATE": "a condition of promotion is not met; nothing was changed",
    "CG-FAILED": "the work was tried and did not succeed; the text says what is where",
    "CG-NOT-MEASURED": "there was nothing to examine, so nothing passed",
}
