#!/usr/bin/env python
"""Django's command line for smsgate; `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")
    from django.core.management import execute_from_command_line

    from smsgate.config import ConfigError

    try:
        execute_from_command_line(sys.argv)
    except ConfigError as error:
        sys.exit(f"smsgate: {error}")


if __name__ == "__main__":
    main()
