"""Which page of a list is asked for."""

from rest_framework import serializers

from semafore.kernel.http.fields import StrictSerializer
from semafore.kernel.paging import PAGE_SIZE

LIMIT_MAX = 200
CURSOR_MAX = 1000


class PageQuerySerializer(StrictSerializer):
    """`limit` and `cursor` of a list's address."""

    limit = serializers.IntegerField(min_value=1, max_value=LIMIT_MAX, default=PAGE_SIZE)
    cursor = serializers.CharField(max_length=CURSOR_MAX, required=False)
