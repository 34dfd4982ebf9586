"""`python -m proxy` is `rproxy`."""

import sys

from proxy.cli import main

sys.exit(main())
