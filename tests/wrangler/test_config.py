"""Our reading of wrangler's files. The table at the end is compared with wrangler's own reader."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError
from cattlegrid.model.environment import Environment
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler import config, inheritance

PRODUCTION = Environment.PRODUCTION
STAGING = Environment.STAGING


def file(folder: Path, text: str, name: str = "wrangler.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def mistake(path: Path, environment: Environment = STAGING) -> str:
    with pytest.raises(ConfigError) as caught:
        config.resolve(path, environment, shown=path.name)
    return str(caught.value)


def test_json_with_comments_and_trailing_commas_is_read_as_wrangler_reads_it(tmp_path: Path) -> None:
    text = '{ // a\n "name": "a//b", /* "x": 1, */ "vars": { "URL": "https://x/*", }, "list": [1, 2, /* 3 */ ], }'
    assert config.read(file(tmp_path, text, "wrangler.jsonc")) == {
        "name": "a//b",
        "vars": {"URL": "https://x/*"},
        "list": [1, 2],
    }


def test_a_mistake_in_json_is_told_with_line_and_column_of_the_file(tmp_path: Path) -> None:
    text = '{\n /* one\n two */ "name": nope }'
    found = mistake(file(tmp_path, text, "wrangler.jsonc"))
    assert found == "wrangler.jsonc: is not valid JSON: Expecting value (at line 3, column 17)"


def test_a_mistake_in_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    found = mistake(file(tmp_path, 'name = "a"\nmain = \n'))
    assert found == "wrangler.toml: is not valid TOML: Invalid value (at line 2, column 8)"


def test_a_file_that_holds_no_object_is_refused(tmp_path: Path) -> None:
    assert mistake(file(tmp_path, "[]", "wrangler.json")) == "wrangler.json: holds a list where an object is needed"


def test_a_file_without_environments_is_refused_with_what_to_write(tmp_path: Path) -> None:
    path = file(tmp_path, 'name = "a"\n[env.dev]\n')
    with pytest.raises(ConfigError, match="only dev") as caught:
        config.resolve(path, STAGING, shown="wrangler.toml")
    assert "env.production block of wrangler.toml" in caught.value.next


def test_the_top_level_is_staging_beside_a_production_block_and_production_beside_a_staging_block(
    tmp_path: Path,
) -> None:
    ours = file(tmp_path, 'name = "a-staging"\n[env.production]\nname = "a"\n')
    assert [config.resolve(ours, e).environment_flag for e in Environment] == [None, "production"]
    theirs = file(tmp_path, 'name = "a"\n[env.staging]\n', "other.toml")
    assert [config.resolve(theirs, e).environment_flag for e in Environment] == ["staging", None]
    assert [config.resolve(theirs, e).script for e in Environment] == ["a-staging", "a"]


def test_with_both_blocks_each_is_its_own_environment(tmp_path: Path) -> None:
    path = file(tmp_path, 'name = "a"\n[env.staging]\n[env.production]\n')
    assert [config.resolve(path, e).script for e in Environment] == ["a-staging", "a-production"]


def test_a_worker_without_a_name_is_refused(tmp_path: Path) -> None:
    assert mistake(file(tmp_path, 'main = "a.ts"\n[env.production]\nname = "a"\n')) == (
        "wrangler.toml: name: the worker has no name"
    )


TABLE: dict[str, dict[str, object]] = {
    "name is derived": {"name": "a", "env": {"production": {}}},
    "name is explicit": {"name": "a-staging", "env": {"production": {"name": "a"}}},
    "vars are not inherited": {"name": "a", "vars": {"X": "1"}, "env": {"production": {}}},
    "vars of its own": {"name": "a", "vars": {"X": "1"}, "env": {"production": {"vars": {"Y": {"z": [1, None]}}}}},
    "databases are not inherited": {
        "name": "a",
        "d1_databases": [{"binding": "DB", "database_name": "s", "database_id": "1"}],
        "env": {"production": {}},
    },
    "databases of its own": {
        "name": "a",
        "d1_databases": [{"binding": "DB", "database_name": "s", "database_id": "1"}],
        "env": {"production": {"d1_databases": [{"binding": "DB", "database_name": "p", "database_id": "2"}]}},
    },
    "kv, r2, queues and services are not inherited": {
        "name": "a",
        "kv_namespaces": [{"binding": "KV", "id": "1"}],
        "r2_buckets": [{"binding": "R2", "bucket_name": "files"}],
        "queues": {"producers": [{"binding": "Q", "queue": "q"}]},
        "services": [{"binding": "S", "service": "s"}],
        "env": {"production": {}},
    },
    "durable objects are not inherited but their migrations are": {
        "name": "a",
        "durable_objects": {"bindings": [{"name": "C", "class_name": "Counter"}]},
        "migrations": [{"tag": "v1", "new_sqlite_classes": ["Counter"]}],
        "env": {"production": {"durable_objects": {"bindings": [{"name": "C", "class_name": "Counter"}]}}},
    },
    "define is not inherited": {"name": "a", "define": {"X": "1"}, "env": {"production": {"define": {"X": "2"}}}},
    "main and dates are inherited": {
        "name": "a",
        "main": "src/index.ts",
        "compatibility_date": "2026-01-01",
        "compatibility_flags": ["nodejs_compat"],
        "env": {"production": {}},
    },
    "main and dates are replaced": {
        "name": "a",
        "main": "src/index.ts",
        "compatibility_date": "2026-01-01",
        "env": {"production": {"main": "src/other.ts", "compatibility_date": "2026-02-01"}},
    },
    "empty lists replace": {
        "name": "a",
        "routes": ["example.com/*"],
        "compatibility_flags": ["nodejs_compat"],
        "env": {"production": {"routes": [], "compatibility_flags": []}},
    },
    "routes are inherited": {
        "name": "a",
        "routes": [{"pattern": "example.com/*", "zone_name": "example.com"}],
        "workers_dev": False,
        "env": {"production": {}},
    },
    "triggers are inherited": {"name": "a", "triggers": {"crons": ["* * * * *"]}, "env": {"production": {}}},
    "observability is replaced whole": {
        "name": "a",
        "observability": {"enabled": True, "head_sampling_rate": 0.5},
        "env": {"production": {"observability": {"enabled": False}}},
    },
    "limits and placement are inherited": {
        "name": "a",
        "limits": {"cpu_ms": 50},
        "placement": {"mode": "smart"},
        "env": {"production": {}},
    },
    "rules are inherited": {
        "name": "a",
        "rules": [{"type": "Text", "globs": ["**/*.sql"], "fallthrough": True}],
        "env": {"production": {}},
    },
    "rules of its own": {
        "name": "a",
        "rules": [{"type": "Text", "globs": ["**/*.sql"]}],
        "env": {"production": {"rules": [{"type": "Data", "globs": ["**/*.bin"]}]}},
    },
    "assets are inherited": {"name": "a", "assets": {"directory": "public"}, "env": {"production": {}}},
    "top-level only keys stay": {
        "name": "a",
        "keep_vars": True,
        "alias": {"x": "./y"},
        "send_metrics": False,
        "env": {"production": {}},
    },
    "top-level only keys in a block are ignored": {"name": "a", "env": {"production": {"alias": {"x": "./y"}}}},
    "version metadata and tail consumers are not inherited": {
        "name": "a",
        "version_metadata": {"binding": "V"},
        "tail_consumers": [{"service": "t"}],
        "analytics_engine_datasets": [{"binding": "A"}],
        "env": {"production": {}},
    },
    "minify, tsconfig and logpush are inherited": {
        "name": "a",
        "minify": True,
        "tsconfig": "tsconfig.json",
        "logpush": True,
        "upload_source_maps": True,
        "env": {"production": {"minify": False}},
    },
    "build is inherited": {"name": "a", "build": {"command": "make", "cwd": "x"}, "env": {"production": {}}},
    "build is replaced whole": {
        "name": "a",
        "build": {"command": "make", "cwd": "x"},
        "env": {"production": {"build": {"command": "make production"}}},
    },
    "account and secrets": {
        "name": "a",
        "account_id": "1",
        "secrets": {"required": ["KEY"]},
        "env": {"production": {"secrets": {"required": ["OTHER"]}}},
    },
    "production on top, staging below": {"name": "a", "vars": {"X": "1"}, "env": {"staging": {"vars": {"X": "2"}}}},
}

# What wrangler fills in where the file says nothing: equal to nothing said.
DEFAULTS: Mapping[str, object] = {
    "jsx_factory": "React.createElement",
    "jsx_fragment": "React.Fragment",
    "queues": {"producers": [], "consumers": []},
    "durable_objects": {"bindings": []},
    "logfwdr": {"bindings": []},
    "python_modules": {"exclude": ["**/*.pyc"]},
    "build": {"watch_dir": "./src"},
    "triggers": {},
}
# Facts about the reading itself, and what only `wrangler dev` uses.
NOT_COMPARED = frozenset(
    {"configPath", "userConfigPath", "topLevelName", "definedEnvironments", "targetEnvironment", "dev"}
)
READER = """
const { unstable_readConfig } = require(process.argv[1]);
console.warn = console.log = console.error = () => {};
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const read = cases.map(({ config, env }) => {
  // In another folder wrangler 4.164.0 prefixes an inherited `tsconfig` twice; cattlegrid runs it in the worker's own.
  process.chdir(require("node:path").dirname(config));
  return unstable_readConfig({ config, env }, { hideWarnings: true });
});
process.stdout.write(JSON.stringify(read));
"""


@pytest.fixture(scope="module")
def theirs(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, Environment], object]:
    """Every file of the table as wrangler's own reader sees it, in both environments; one node process for all."""
    root = tmp_path_factory.mktemp("table")
    keys = [(name, environment) for name in TABLE for environment in Environment]
    cases = []
    for name, environment in keys:
        folder = root / str(list(TABLE).index(name))
        folder.mkdir(exist_ok=True)
        path = file(folder, json.dumps(TABLE[name]), "wrangler.json")
        flag = config.resolve(path, environment).environment_flag
        cases.append({"config": str(path), "env": flag or ""})
    script = str(node_parts.modules / "wrangler" / "wrangler-dist" / "cli.js")
    done = subprocess.run(
        [str(node_parts.node), "-e", READER, script],
        input=json.dumps(cases),
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "HOME": str(root), "WRANGLER_SEND_METRICS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    read = json.loads(done.stdout)
    return {
        key: plain(case, Path(str(asked["config"])).parent) for key, case, asked in zip(keys, read, cases, strict=True)
    }


def plain(theirs: dict[str, object], folder: Path) -> dict[str, object]:
    """Wrangler's reading with its defaults taken out and its paths written as in the file."""
    found = {}
    for key, value in theirs.items():
        if key in NOT_COMPARED or value is None or value in ([], {}) or DEFAULTS.get(key) == value:
            continue
        found[key] = as_written(value, folder)
    if isinstance(found.get("build"), dict):
        found["build"].pop("watch_dir", None)
    return found


def as_written(value: object, folder: Path) -> object:
    if isinstance(value, dict):
        return {key: as_written(item, folder) for key, item in value.items()}
    if isinstance(value, str):
        return value.removeprefix(f"{folder}/")
    return value


@pytest.mark.slow
@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize("name", TABLE)
def test_our_reading_is_wrangler_s_reading(
    theirs: dict[tuple[str, Environment], object], tmp_path: Path, name: str, environment: Environment
) -> None:
    path = file(tmp_path, json.dumps(TABLE[name]), "wrangler.json")
    ours = {key: value for key, value in config.resolve(path, environment).config.items() if value not in ([], {})}
    assert ours == theirs[name, environment]


@pytest.mark.slow
def test_every_key_that_wrangler_knows_is_known_to_us(
    theirs: dict[tuple[str, Environment], object], node_parts: Toolchain
) -> None:
    schema = json.loads((node_parts.modules / "wrangler" / "config-schema.json").read_text())
    definitions = schema["definitions"]
    top = set(definitions["RawConfig"]["properties"])
    block = set(definitions["RawEnvironment"]["properties"])
    assert (
        top - inheritance.NOT_SETTINGS == inheritance.INHERITED | inheritance.NOT_INHERITED | inheritance.TOP_LEVEL_ONLY
    )
    assert block == inheritance.INHERITED | inheritance.NOT_INHERITED
