"""The vendor's Python sample, with the lines that it lost put back, and the query of a state.

python smsend.py BASEURL USERNAME PASSWORD send RECIPIENT MESSAGE MINUTES | state ORDER_ID
"""

import datetime
import json
import sys

import requests

BASEURL = sys.argv[1]

MESSAGE_HIGH_QUALITY = "N"


def json_serial(obj):
    """JSON serializer for objects not serializable by default json code"""
    if isinstance(obj, datetime.datetime):
        serial = obj.isoformat()
        return serial
    raise TypeError("Type not serializable")


def login(username, password):
    """Authenticates the user given it's username and password. Returns (user_key, session_key)."""
    r = requests.get("%slogin?username=%s&password=%s" % (BASEURL, username, password))
    if r.status_code != 200:
        return None
    user_key, session_key = r.text.split(";")
    return user_key, session_key


def sendSMS(auth, sendsms):
    """Sends an SMS"""
    headers = {"user_key": auth[0], "Session_key": auth[1], "Content-type": "application/json"}
    r = requests.post(
        "%ssms" % BASEURL, headers=headers, data=json.dumps(sendsms, default=json_serial)
    )
    if r.status_code != 201:
        return None
    return json.loads(r.text)


def getState(auth, order_id):
    headers = {"user_key": auth[0], "Session_key": auth[1]}
    r = requests.get("%ssms/%s" % (BASEURL, order_id), headers=headers)
    if r.status_code != 200:
        return None
    return json.loads(r.text)


if __name__ == "__main__":
    auth = login(sys.argv[2], sys.argv[3])
    if not auth:
        print("Unable to login..")
        sys.exit(-1)
    if sys.argv[4] == "state":
        print(json.dumps(getState(auth, sys.argv[5])))
        sys.exit(0)
    sentSMS = sendSMS(
        auth,
        {
            "message": sys.argv[6],
            "message_type": MESSAGE_HIGH_QUALITY,
            "returnCredits": False,
            "recipient": [sys.argv[5]],
            # Place here a custom sender if desired
            "sender": None,
            # Postpone the SMS sending
            "scheduled_delivery_time": (
                datetime.datetime.now() + datetime.timedelta(minutes=int(sys.argv[7]))
            ),
        },
    )
    print(json.dumps(sentSMS))
