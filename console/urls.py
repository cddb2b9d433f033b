"""The console's addresses. None holds a number or a name."""

from __future__ import annotations

from django.urls import URLPattern, path

from console.pages import (
    appearance,
    inbox,
    keys,
    live,
    messages,
    opt_outs,
    overview,
    phones,
    send,
    settings,
    team,
    webhooks,
)  # fmt: skip

app_name = "console"

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("send/", send.send, name="send"),
    path("messages/", messages.message_list, name="messages"),
    path("messages/resolve/", messages.resolve_many, name="resolve_many"),
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
    path("phones/pairing/<int:code_id>/", phones.pairing, name="pairing"),
    path("phones/<int:device_id>/rename/", phones.rename, name="phone_rename"),
    path("phones/<int:device_id>/pause/", phones.pause, name="phone_pause"),
    path("phones/<int:device_id>/unpair/", phones.unpair, name="phone_unpair"),
    path("keys/", keys.key_list, name="keys"),
    path("keys/make/", keys.make, name="key_make"),
    path("keys/<int:license_id>/replace/", keys.replace, name="key_replace"),
    path("keys/<int:license_id>/switch/", keys.switch, name="license_switch"),
    path("keys/api/replace/", keys.replace_api_keys, name="api_keys_replace"),
    path("keys/<int:license_id>/log-in/", keys.replace_credential, name="credential_replace"),
    path("keys/<int:license_id>/hook/", keys.make_hook, name="hook_make"),
    path("keys/hooks/<uuid:public_id>/revoke/", keys.revoke_hook, name="hook_revoke"),
    path("webhooks/", webhooks.webhook_list, name="webhooks"),
    path("webhooks/subscribe/", webhooks.subscribe, name="subscribe"),
    path("webhooks/<int:endpoint_id>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:endpoint_id>/secret/", webhooks.secret, name="webhook_secret"),
    path("webhooks/<int:endpoint_id>/test/", webhooks.test, name="webhook_test"),
    path("webhooks/<int:endpoint_id>/switch/", webhooks.switch, name="webhook_switch"),
    path("webhooks/<int:endpoint_id>/delete/", webhooks.delete, name="webhook_delete"),
    path(
        "webhooks/<int:endpoint_id>/replay/<int:delivery_id>/",
        webhooks.replay,
        name="webhook_replay",
    ),
    path("settings/", settings.settings, name="settings"),
    path("appearance/", appearance.appearance, name="appearance"),
    path("team/", team.team, name="team"),
    path("team/invite/", team.invite, name="invite"),
    path("team/invitations/<int:invitation_id>/withdraw/", team.withdraw, name="withdraw"),
    path("team/<int:member_id>/role/", team.change, name="member_role"),
    path("team/<int:member_id>/remove/", team.remove, name="member_remove"),
    path("audit/", team.trail, name="audit"),
    path("join/", team.join, name="join"),
    path("account/", team.switch, name="switch"),
]
