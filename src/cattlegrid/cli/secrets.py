"""Set the secrets that an environment's workers declare, from the environment's own store. Values are never shown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["push"], help="push: set them on Cloudflare")
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and set nothing")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets import push_secrets  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    with show.telling() as tell:
        report = push_secrets(Edge.here(), environment, tuple(args.workers), dry_run=args.dry_run, tell=tell)
    show.report(report)
    show.heading(environment, "secrets set" if report.pushed else "secrets that would be set")
    for plan in report.plans:
        show.line(f"  {plan.worker} ({plan.script}): {', '.join(plan.put) or 'none'}")
        for names, words in ((plan.missing, "missing in the store"), (plan.unknown, "on Cloudflare and not declared")):
            if names:
                show.line(f"    {words}: {', '.join(names)}")
    return report.outcome.exit_code
