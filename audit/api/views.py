"""Base of views that show events or what is made of them."""

from typing import cast

from audit.selectors.reading import Known, Reader, reader_of
from semafore.kernel.http.service import ServiceAPIView


class ReaderAPIView(ServiceAPIView):
    """Knows as whom the program reads."""

    @property
    def reader(self) -> Reader:
        """The program, with whoever issued its token."""
        return reader_of(cast("Known", self.request.auth))
