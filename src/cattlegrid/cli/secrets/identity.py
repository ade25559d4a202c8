"""Make a new age key for a machine: the secret half goes into a file of mode 0600, the public half is shown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from cattlegrid.cli.show import Show


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="a new file, such as ~/.config/sops/age/keys.txt")


def run(args: Namespace, show: Show) -> int:
    from cattlegrid.verbs.secrets.keeping import identity  # noqa: PLC0415 - the parser alone (--help) needs none of this

    file = Path(args.out).expanduser()
    public = identity(file)
    show.report({"file": file, "recipient": public})
    show.line(f"wrote {file}")
    show.line(f"  public key: {public}")
    show.line(f"  next: cattlegrid secrets recipients add {public} --name MACHINE --env staging")
    return 0
