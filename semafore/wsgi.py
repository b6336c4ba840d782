"""REST and console, for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from semafore.kernel.logs import this_process_is

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semafore.settings")
this_process_is("web")
application = get_wsgi_application()
