"""Django alone, for tools that want a WSGI application. The service is `smsgate.web.asgi`, which also
answers phones' long polls."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")

application = get_wsgi_application()
