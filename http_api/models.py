from __future__ import annotations

from django.db import models


class IdempotencyRecord(models.Model):
    """The first answer to a request that carried an `Idempotency-Key`, kept 24 hours.

    Written in the transaction of the work itself: either both are there or neither.
    """

    scope = models.CharField(max_length=64)  # whose key: "license:7"
    route = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    answer = models.TextField()  # sealed; JSON, byte for byte, '' for a 204
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # also serves the look-up
            models.UniqueConstraint(fields=["scope", "route", "key"], name="idempotency_once")
        ]
        indexes = [
            # the daily clean-up
            models.Index(fields=["created_at"], name="idempotency_created_at")
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.route}"
