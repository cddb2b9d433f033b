"""The words of mails. Each returns a subject and a text, in the language that is active."""

from __future__ import annotations

from django.utils.translation import gettext as _

from members.models import Invitation, Role

Letter = tuple[str, str]


def invitation(invitation: Invitation, inviter: str, link: str) -> Letter:
    known = {
        "inviter": inviter,
        "account": invitation.account.name,
        "role": _(Role(invitation.role).label),
    }
    return (
        _("An invitation to %(account)s") % known,
        "\n\n".join(
            [
                _("%(inviter)s invites you to the SMS account %(account)s as %(role)s.") % known,
                _("Open this link to join. It is good for one person and a week:"),
                link,
                _("If you do not know who that is, do nothing."),
                "",
            ]
        ),
    )
