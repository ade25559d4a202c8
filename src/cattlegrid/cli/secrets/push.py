"""Set every secret that the workers need, from the environment's store: all or none, then the names are read back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from cattlegrid.cli import options
from cattlegrid.cli.show import Show
from cattlegrid.model.environment import Environment


def arguments(parser: ArgumentParser) -> None:
    options.workers(parser)
    options.environment(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the plan, and set nothing")
    parser.add_argument("--delete-unknown", action="store_true", help="delete what no list of [secrets] names")
    parser.add_argument("--new-store", action="store_true", help="a store made anew since the last push is meant")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - the parser alone (--help) needs none of this
    from cattlegrid.verbs.secrets.push import PushOptions, push_secrets  # noqa: PLC0415 - as above

    environment = Environment.named(args.env)
    chosen = PushOptions(args.dry_run, args.delete_unknown, args.new_store)
    with show.telling() as tell:
        report = push_secrets(Edge.here(), environment, tuple(args.workers), chosen, tell=tell)
    show.report(report)
    said = "secrets set" if report.pushed else "secrets that would be set" if args.dry_run else "nothing was pushed"
    show.heading(environment, said)
    for plan in report.plans:
        where = plan.script if plan.deployed else f"{plan.script}, never deployed: they go up with its first deploy"
        show.line(f"  {plan.worker} ({where}): {', '.join(plan.put) or 'none'}")
        lists = ((plan.missing, "missing in the store"), (plan.removed, "deleted"))
        for names, words in (*lists, (plan.unknown, "on Cloudflare and in no list")):
            if names:
                show.line(f"    {words}: {', '.join(names)}")
    return report.outcome.exit_code
