"""Forms of the admin for rows that hold a phone number of an account."""

from __future__ import annotations

from typing import Any

from django import forms

from licenses.models import Account, License
from messaging.phone import InvalidPhone, parse_phone


class PhoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """Reads `phone` as every route reads it, in the country of the row's `account`."""

    phone = forms.CharField(
        max_length=64, help_text="With + and the country code, or as it is dialled in the country."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        account = cleaned.get("account") or (self.instance.account if self.instance.pk else None)
        if "phone" not in cleaned:
            return cleaned
        if account is None:
            self.add_error("phone", "choose the account first: the number is read in its country")
            return cleaned
        try:
            cleaned["phone"] = _read(cleaned["phone"], account)
        except InvalidPhone as error:
            self.add_error("phone", str(error))
        return cleaned


def _read(phone: str, account: Account) -> str:
    codes = License.objects.filter(account=account, allow_short_codes=True).exists()
    return parse_phone(phone, account.country, allow_short_codes=codes)
