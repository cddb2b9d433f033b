#!/usr/bin/env python
"""Django's command line for smsgate; `manage.py help` lists the commands."""

import os
import sys

# Clients of the service: loading its settings would make a data folder and its secrets here.
CLIENTS = {"demo", "phone"}


def main() -> None:
    from django.core.management import execute_from_command_line, load_command_class

    from smsgate.config import ConfigError

    if CLIENTS.intersection(sys.argv[1:2]):
        load_command_class("smsgate", sys.argv[1]).run_from_argv(sys.argv)
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")
    try:
        execute_from_command_line(sys.argv)
    except ConfigError as error:
        sys.exit(f"smsgate: {error}")
    except BrokenPipeError:  # nobody reads on: `… | head`; and no word about it at the exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
