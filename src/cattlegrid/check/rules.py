"""Every rule, in one table: its code, its severity, what it says."""

from __future__ import annotations

from typing import Final

from cattlegrid.model.finding import Rule, Severity

_E, _W = Severity.ERROR, Severity.WARNING

NOT_SPLIT: Final = Rule("C101", "not-split", _E, "a Worker has one environment only")
SHARED_RESOURCE: Final = Rule("C102", "shared-resource", _E, "staging is bound to what production uses")
SHARED_SCRIPT: Final = Rule("C103", "shared-script", _E, "staging and production would be the same Worker")
SHARED_ROUTE: Final = Rule("C104", "shared-route", _E, "staging answers at an address of production")
REMOTE_PREVIEW: Final = Rule("C105", "production-preview", _E, "`wrangler dev --remote` would reach production")
BINDINGS_DIFFER: Final = Rule(
    "C201", "bindings-differ", _W, "one environment lacks a binding, consumer or such of the other"
)
VARS_DIFFER: Final = Rule("C202", "vars-differ", _W, "one environment has a variable that the other has not")
DATES_DIFFER: Final = Rule("C203", "compatibility-differs", _W, "the environments run under different compatibility")
SETTINGS_DIFFER: Final = Rule(
    "C205", "settings-differ", _W, "the same binding works otherwise in the other environment"
)
ACCOUNTS_DIFFER: Final = Rule("C204", "account-mismatch", _E, "a file names another account than the fleet")
NAMES_PRODUCTION: Final = Rule("C301", "names-production", _W, "a value of staging leads to production")
SECRET_AS_VAR: Final = Rule("C302", "secret-as-var", _E, "a secret stands in a file")
CALLER: Final = Rule("C401", "caller-without-environment", _W, "wrangler is called without an environment")
CALLS_PRODUCTION: Final = Rule(
    "C402", "caller-reaches-production", _E, "wrangler, called without an environment, reaches production"
)
UNKNOWN_ENVIRONMENT: Final = Rule("C403", "unknown-environment", _E, "an environment that does not exist is named")
OTHER_ENVIRONMENT: Final = Rule("C404", "other-environment", _W, "a file has an environment that is neither of the two")
UNKNOWN_WORKER: Final = Rule("C501", "worker-outside-fleet", _W, "a Worker of the repository is not in the fleet")
NO_SMOKE: Final = Rule("C502", "no-smoke-check", _W, "nothing examines a Worker after a deploy")
UNKNOWN_KEY: Final = Rule("C503", "unknown-key", _W, "a key that wrangler does not know")
IDLE_IGNORE: Final = Rule("C601", "idle-ignore", _W, "an entry of check.ignore ignores nothing")
LIVE_SHARED: Final = Rule("C701", "live-shared-resource", _E, "what runs in staging is bound to what production uses")
LIVE_DIFFERS: Final = Rule("C702", "live-differs", _W, "what runs is not bound as the file says")

RULES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
