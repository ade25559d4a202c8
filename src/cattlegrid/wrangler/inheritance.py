"""Which keys of a wrangler file an `env.<name>` block inherits.

Source: `normalizeAndValidateEnvironment` and `normalizeAndValidateConfig` in wrangler 4.164.0 (wrangler-dist/cli.js;
in workers-sdk: packages/workers-utils/src/config/validation.ts). A test compares the outcome with that reader.
"""

from __future__ import annotations

from typing import Final

INHERITED: Final = frozenset(
    {
        "access", "account_id", "assets", "base_dir", "build", "cache", "compatibility_date", "compatibility_flags",
        "compliance_region", "exports", "find_additional_modules", "first_party_worker", "jsx_factory", "jsx_fragment",
        "keep_names", "limits", "logfwdr", "logpush", "main", "migrations", "minify", "name", "no_bundle",
        "observability", "placement", "preserve_file_names", "preview_urls", "previews", "python_modules", "route",
        "routes", "rules", "triggers", "tsconfig", "upload_source_maps", "workers_dev",
    }
)  # fmt: skip

NOT_INHERITED: Final = frozenset(
    {
        "agent_memory", "ai", "ai_search", "ai_search_namespaces", "analytics", "analytics_engine_datasets",
        "artifacts", "browser", "cloudchamber", "connect", "containers", "d1_databases", "define",
        "dispatch_namespaces", "durable_objects", "flagship", "hyperdrive", "images", "k2", "kv_namespaces", "media",
        "mtls_certificates", "pipelines", "queues", "r2_buckets", "ratelimits", "secrets", "secrets_store_secrets",
        "send_email", "services", "stream", "streaming_tail_consumers", "tail_consumers", "unsafe",
        "unsafe_hello_world", "vars", "vectorize", "version_metadata", "vpc_networks", "vpc_services",
        "worker_loaders", "workflows",
    }
)  # fmt: skip

# Read from the top level whatever the environment; an `env` block that names them is warned about and ignored.
TOP_LEVEL_ONLY: Final = frozenset(
    {
        "addresses", "alias", "data_blobs", "dependencies_instrumentation", "dev", "keep_vars",
        "pages_build_output_dir", "send_metrics", "site", "text_blobs", "wasm_modules",
    }
)  # fmt: skip

# Left over from older wranglers, which take them without a word and do nothing with them.
IDLE: Final = frozenset({"experimental_services", "type", "usage_model", "webpack_config", "zone_id"})

NOT_SETTINGS: Final = frozenset({"$schema", "env", "legacy_env"})
