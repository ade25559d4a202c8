from __future__ import annotations

import sys

from cattlegrid.cli import main

sys.exit(main())
