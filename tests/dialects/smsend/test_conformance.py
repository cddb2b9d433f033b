from __future__ import annotations

from typing import Any

from dialects.smsend import DIALECT
from tests.conftest import Api, Tenant
from tests.dialects.conformance import NUMBER, TEXT, Conformance
from tests.dialects.smsend.conftest import logged_in


class TestItConforms(Conformance):
    dialect = DIALECT
    path = "sms"
    sent_status = 201
    routes_with_id = (("GET", "sms/{id}"), ("DELETE", "sms/{id}"))
    state_path = "sms/{id}"
    lists = ("smshistory?from=20200101",)
    statuses = {
        **Conformance.statuses,
        "license_inactive": 401,
        "subscription_expired": 401,
        "daily_limit_exceeded": 400,
    }

    def headers(self, tenant: Tenant) -> dict[str, str]:
        return logged_in(tenant)

    def body(self, tenant: Tenant, phone: str = NUMBER, text: str = TEXT) -> dict[str, Any]:
        return {"message_type": "N", "message": text, "recipient": [phone]}

    def id_of(self, response: Any) -> str:
        return str(response.json()["order_id"])

    def state_in(self, response: Any) -> str:
        [recipient] = response.json()["recipients"]
        return str(recipient["status"])

    def check_shape(self, response: Any) -> None:
        body = response.json()
        assert list(body) == ["result", "code", "message", "error_message"]
        assert body["result"] != "OK"
        assert body["message"] == body["error_message"] != ""

    def check_opted_out(self, api: Api, tenant: Tenant, response: Any) -> None:
        assert response.status_code == 201
        assert response.json()["total_sent"] == 0
        path = f"{self.mount}sms/{self.id_of(response)}"
        shown = self.call(api, "GET", path, tenant).json()
        assert [recipient["status"] for recipient in shown["recipients"]] == ["BLACKLISTED"]
