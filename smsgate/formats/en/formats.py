"""ISO dates with seconds and zone in the admin: its operators may live anywhere."""

DATETIME_FORMAT = "Y-m-d H:i:s e"
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i"
