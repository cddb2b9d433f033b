"""The console's addresses. None holds a number or a name."""

from __future__ import annotations

from django.urls import URLPattern, path

from console.pages import inbox, live, messages, opt_outs, overview, phones, send, team

app_name = "console"

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("send/", send.send, name="send"),
    path("messages/", messages.message_list, name="messages"),
    path("messages/<int:message_id>/", messages.message, name="message"),
    path("messages/<int:message_id>/cancel/", messages.cancel, name="cancel"),
    path("messages/<int:message_id>/resolve/", messages.resolve, name="resolve"),
    path("live/", live.look, name="live"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("opt-outs/", opt_outs.opt_out_list, name="opt_outs"),
    path("opt-outs/add/", opt_outs.add, name="opt_out_add"),
    path("opt-outs/<int:opt_out_id>/take-back/", opt_outs.take_back, name="opt_out_take_back"),
    path("phones/", phones.phone_list, name="phones"),
    path("phones/pair/", phones.pair, name="pair"),
    path("phones/<int:device_id>/pause/", phones.pause, name="phone_pause"),
    path("phones/<int:device_id>/unpair/", phones.unpair, name="phone_unpair"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/withdraw/", team.withdraw, name="withdraw"),
    path("team/<int:member_id>/role/", team.change, name="member_role"),
    path("team/<int:member_id>/remove/", team.remove, name="member_remove"),
    path("audit/", team.trail, name="audit"),
    path("join/", team.join, name="join"),
    path("account/", team.switch, name="switch"),
]
