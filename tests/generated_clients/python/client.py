"""Sends by the client that openapi-python-client made: URL, key and a prefix for the ids."""

import json
import sys

from smsgate_client import AuthenticatedClient
from smsgate_client.api.messages import get_message, send_message, send_messages
from smsgate_client.models import (
    Accepted,
    BatchAnswer,
    BulkMessages,
    Error,
    MessageItem,
    MessageState,
    MessageWithTimeline,
    SingleMessage,
)

url, key, prefix = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
phone, text = "+48600100200", "Zażółć"

sent = send_message.sync(
    client=client,
    body=SingleMessage(
        external_id=f"{prefix}-0", phone=phone, message=text, send_after="2036-04-10T09:00:00"
    ),
)
assert isinstance(sent, Accepted), sent
batch = send_messages.sync(
    client=client,
    body=BulkMessages(
        messages=[
            MessageItem(external_id=f"{prefix}-{number}", phone=phone, message=text)
            for number in (0, 1, 2)
        ]
    ),
)
assert isinstance(batch, BatchAnswer), batch
read = get_message.sync(sent.id, client=client)
assert isinstance(read, MessageWithTimeline), read
assert read.status is MessageState.PENDING
refused = send_message.sync(
    client=client, body=SingleMessage(external_id=f"{prefix}-0", phone=phone, message=text)
)
assert isinstance(refused, Error), refused

print(
    json.dumps(
        {
            "created": batch.created_count,
            "skipped": [item.reason.value for item in batch.skipped],
            "status": read.status.value,
            "year": read.created_at.year,
            "refused": refused.code.value,
        }
    )
)
