"""The very first start: an account to send with, an administrator, and the words to begin."""

from __future__ import annotations

import json
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from licenses import services
from licenses.models import License
from licenses.pairing import pairing_link, scannable
from members.services import make_owner


def run() -> None:
    """Make them and print everything once; only digests are kept.

    Printed before the commit: keys that nobody has seen could never be had again, while after a
    crash between the two the next start makes and prints new ones.
    """
    with transaction.atomic():
        made = services.provision("My business")
        password = secrets.token_urlsafe(12)
        user = User.objects.create_superuser("admin", password=password)
        license = License.objects.select_related("account").get(pk=made.license_id)
        make_owner(license.account, user)
        code = services.new_pairing_code(license).code
        _show(made, password, code)


def _show(made: services.Provisioned, password: str, code: str) -> None:
    link = pairing_link(code)
    body = json.dumps(
        {
            "license__key": made.license_key,
            "external_id": "hello-1",
            "phone": "+48123456789",
            "message": "Hello from smsgate!",
        }
    )
    url = settings.PUBLIC_URL
    print(
        f"""
Welcome to smsgate. These are shown once; only digests of them are kept.

  console       {url}/console/   user: admin   password: {password}
  licence key   {made.license_key}
  api_key       {made.api_key}
  pair a phone  {link}
                (good for {services.PAIRING_CODE_MINUTES} minutes; `make pair ARGS="{made.license_id}"` makes another)

{scannable(link)}

Send your first message:

  curl {url}/api/messages/ -d '{body}'

The API is described at {url}/api/docs/
""",
        flush=True,
    )
