"""All settings, read from the environment by typed readers (`semafore/environment.py`)."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import csp.constants as csp
import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from semafore import environment, redis_url

ROOT = Path(__file__).resolve().parent.parent

DEBUG = environment.boolean("DEBUG")
SECRET_KEY = environment.required(
    "SECRET_KEY", "set SECRET_KEY to at least 50 random characters; bin/run makes one by itself"
)
# Second factors are encrypted under the first; the others still decrypt (kernel/sealing.py).
FIELD_KEYS = environment.words("FIELD_KEYS")
TLS_PROXY = environment.boolean("TLS_PROXY")

# Of this server, as SIEM receivers read it in every event.
VERSION = "0.6.0"

# Where this server is reached. Devices sign BASE_URL, so a signature for one server is of no use
# to another (api.md, auth/token).
BASE_URL = environment.url("BASE_URL", "http://127.0.0.1:8000", schemes=("https", "http"))
EVENTS_URL = environment.url(
    "EVENTS_URL", BASE_URL.replace("http", "ws", 1) + "/ws/mobile", schemes=("wss", "ws")
)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")

# The names that logs and receipts bear (audit-log.md), and the key that signs receipts: 32 bytes in
# base64. In development one is derived from SECRET_KEY.
LOG_HOST = environment.text("LOG_HOST", urlsplit(BASE_URL).netloc)
RECEIPT_KEY = environment.key("RECEIPT_KEY")
# In the environment of the `log` process alone: the keys that sign checkpoints, the current one
# first, and while keys are changed the one before it too; and where it writes down what it signed,
# outside the database, so that it notices when that goes back.
CHECKPOINT_KEYS = environment.keys("CHECKPOINT_KEYS")
LOG_STATE_DIR = environment.text("LOG_STATE_DIR", str(ROOT / ".local" / "log"))

# The private enterprise number that names our structured data in syslog (RFC 5424, 7.2.2); 32473 is
# the number for documentation.
SIEM_ENTERPRISE_NUMBER = environment.integer(
    "SIEM_ENTERPRISE_NUMBER", 32473, least=1, most=2**32 - 1
)
# Where SIEM destinations may lie beside public addresses: on-premises, the networks of the SIEM.
SIEM_ALLOWED_NETWORKS = environment.networks("SIEM_ALLOWED_NETWORKS")

# Monitoring reads /metrics with this as its bearer token; empty, there is no such page. What each
# process counts for itself goes into a directory of its host or container, which is emptied before
# processes start; without one those figures are left out.
METRICS_TOKEN = environment.text("METRICS_TOKEN")
PROMETHEUS_MULTIPROC_DIR = environment.text("PROMETHEUS_MULTIPROC_DIR")
if PROMETHEUS_MULTIPROC_DIR:
    Path(PROMETHEUS_MULTIPROC_DIR).mkdir(parents=True, exist_ok=True)

# Key rules; the three names are the seed's (seeds/identity-keys.txt).
SPK_MAX_AGE = timedelta(hours=environment.integer("SPK_MAX_AGE_HOURS", 168, least=1, most=8760))
SPK_GRACE_PERIOD = timedelta(
    hours=environment.integer("SPK_GRACE_PERIOD_HOURS", 168, least=1, most=8760)
)
SPK_WARNING_PERIOD = timedelta(hours=24)
KEY_BUNDLE_REPLENISHMENT_THRESHOLD = environment.integer(
    "KEY_BUNDLE_REPLENISHMENT_THRESHOLD", 5, least=1, most=500
)
CLAIMS_PER_TARGET_PER_DAY = environment.integer(
    "CLAIMS_PER_TARGET_PER_DAY", 12, least=1, most=100_000
)
UNUSUAL_CLAIMS_PER_DAY = environment.integer("UNUSUAL_CLAIMS_PER_DAY", 300, least=1, most=1_000_000)
UNAUTHENTICATED_PER_MINUTE = environment.integer(
    "UNAUTHENTICATED_PER_MINUTE", 120, least=1, most=1_000_000
)
SERVICE_REQUESTS_PER_MINUTE = environment.integer(
    "SERVICE_REQUESTS_PER_MINUTE", 1200, least=1, most=1_000_000
)
ENVELOPE_MAX_AGE = timedelta(
    hours=environment.integer("ENVELOPE_MAX_AGE_HOURS", 720, least=1, most=8760)
)
ENVELOPE_MAX_BYTES = 96 * 1024
ENVELOPES_MAX = environment.integer("ENVELOPES_MAX", 500, least=1, most=5000)
ROOM_MAX_DEVICES = environment.integer("ROOM_MAX_DEVICES", 500, least=2, most=5000)
MESSAGES_PER_DEVICE_PER_MINUTE = environment.integer(
    "MESSAGES_PER_DEVICE_PER_MINUTE", 240, least=1, most=1_000_000
)
MIN_APP_VERSION = environment.version("MIN_APP_VERSION", "1.0.0")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # its widgets' templates, for FORM_RENDERER
    "django_otp",
    "django_htmx",
    "csp",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "semafore.kernel",
    "audit",
    "orgs",
    "keys",
    "realtime",
    "invitations",
    "messaging",
    "reports",
    "restoration",
    "console",
]
if DEBUG:
    INSTALLED_APPS.append("semafore.local")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "semafore.kernel.http.middleware.RequestIdMiddleware",
    "semafore.kernel.http.middleware.WholeBodyMiddleware",
    "semafore.kernel.http.access.AccessMiddleware",
    "semafore.kernel.http.page_middleware.PolicyMiddleware",
    "semafore.kernel.http.middleware.ClosedMiddleware",
    "semafore.kernel.http.middleware.BodyLimitMiddleware",
    "semafore.kernel.http.middleware.ClientVersionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "semafore.kernel.http.page_middleware.PageSessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "semafore.kernel.http.page_middleware.PageAuthenticationMiddleware",
    "semafore.kernel.http.page_middleware.PageMessageMiddleware",
    "semafore.kernel.http.page_middleware.PageHtmxMiddleware",
    "orgs.middleware.SeatMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "semafore.urls"
WSGI_APPLICATION = "semafore.wsgi.application"
ASGI_APPLICATION = "semafore.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context.shell",
            ],
            "builtins": ["semafore.kernel.templatetags.design"],
        },
    }
]

# PostgreSQL alone: claims, the relay and the log lean on its locks, triggers and constraints.
DATABASE_URL = environment.url(
    "DATABASE_URL", "postgresql://localhost/semafore", schemes=("postgresql", "postgres")
)
# With health checks, a connection that a restarted server closed is replaced before a request sees
# it: one round trip more, no 503 for everybody after a failover.
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    message = "DATABASE_URL names no PostgreSQL database. Remedy: use postgresql://user@host/name."
    raise ImproperlyConfigured(message)

DATABASES["default"].setdefault("OPTIONS", {})
# Lets `kernel.database.prepared_cursor` prepare; all other cursors bind on the client and don't.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 0

DATABASE_POOL_SIZE = environment.integer("DATABASE_POOL_SIZE", 16, least=0, most=500)
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 10,
        # The pool waits ever longer between its attempts, and requests wait with it: let it give up
        # soon and the next request start afresh, or an outage lasts twice as long here.
        "reconnect_timeout": 5,
    }

# Behind a pooler that lends connections for a transaction (PgBouncer), no cursor outlives one.
if environment.boolean("DATABASE_TRANSACTION_POOLING"):
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True

# A read replica, for the explorer, the audit API and exports (kernel/replica.py): a standby of the
# same cluster. What somebody decides by is read from the primary.
DATABASE_REPLICA_URL = environment.url(
    "DATABASE_REPLICA_URL", "", schemes=("postgresql", "postgres")
)
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = dj_database_url.parse(DATABASE_REPLICA_URL, conn_health_checks=True)
    DATABASES["replica"].setdefault("OPTIONS", {})
    DATABASES["replica"]["OPTIONS"]["prepare_threshold"] = 0
    if DATABASE_POOL_SIZE:
        # Where it is away the primary reads: nobody waits long for it.
        DATABASES["replica"]["OPTIONS"]["pool"] = {
            **DATABASES["default"]["OPTIONS"]["pool"],
            "timeout": 1,
        }
    # In tests it is the same database.
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["semafore.kernel.replica.Router"]

# Holds only what may be lost: hints, throttles, Celery's queue (architecture.md, Processes).
REDIS = redis_url.read("REDIS_URL", "redis://127.0.0.1:6379/0")
REDIS_URL = REDIS.url

CELERY_BROKER_URL = REDIS.url
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Who asks for a task doesn't wait for a broker that is away (6 seconds without this): sweeps ask
# again.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"max_retries": 1, "interval_start": 0}
if REDIS.sentinels:
    CELERY_BROKER_TRANSPORT_OPTIONS["master_name"] = REDIS.service
CELERY_TIMEZONE = "UTC"
# They take minutes: a worker of their own keeps everything else from waiting behind them.
# Long work and work that waits for a slow receiver have queues of their own: they keep nothing else
# waiting.
CELERY_TASK_ROUTES = {
    "audit.write_exports": {"queue": "exports"},
    "audit.send_siem": {"queue": "siem"},
}

# SMS codes and invitations. The file backend appends JSON Lines: it and the console are for
# development and tests.
SMS_BACKEND = environment.choice("SMS_BACKEND", "file", ("console", "file", "twilio", "notify"))
SMS_FILE = environment.text("SMS_FILE", str(ROOT / ".local" / "sms.jsonl"))
SMS_TIMEOUT_SECONDS = environment.integer("SMS_TIMEOUT_SECONDS", 10, least=1, most=60)
if SMS_BACKEND == "twilio":
    remedy = "SMS_BACKEND=twilio needs it: take it from the console of the SMS service"
    TWILIO_BASE_URL = environment.url(
        "TWILIO_BASE_URL", "https://api.twilio.com", schemes=("https",)
    )
    TWILIO_ACCOUNT_SID = environment.required("TWILIO_ACCOUNT_SID", remedy)
    TWILIO_AUTH_TOKEN = environment.required("TWILIO_AUTH_TOKEN", remedy)
    TWILIO_FROM = environment.required("TWILIO_FROM", remedy)
if SMS_BACKEND == "notify":
    remedy = "SMS_BACKEND=notify needs it: take it from the settings of your GOV.UK Notify service"
    NOTIFY_BASE_URL = environment.url(
        "NOTIFY_BASE_URL", "https://api.notifications.service.gov.uk", schemes=("https",)
    )
    NOTIFY_API_KEY = environment.required("NOTIFY_API_KEY", remedy)
    NOTIFY_TEMPLATES = {
        template: environment.required(f"NOTIFY_TEMPLATE_{template.upper()}", remedy)
        for template in ("phone_code", "invitation", "approval_waiting")
    }

# Pushes that wake devices. The file backend appends JSON Lines: it and the console are for
# development and tests. A deployment may have either service, or both.
PUSH_BACKEND = environment.choice("PUSH_BACKEND", "file", ("console", "file", "service"))
PUSH_FILE = environment.text("PUSH_FILE", str(ROOT / ".local" / "push.jsonl"))
PUSH_TIMEOUT_SECONDS = environment.integer("PUSH_TIMEOUT_SECONDS", 10, least=1, most=60)
if PUSH_BACKEND == "service":
    APNS_KEY = environment.ec_key("APNS_KEY")
    if APNS_KEY:
        remedy = "APNS_KEY needs it: take it from Apple's developer account"
        APNS_KEY_ID = environment.required("APNS_KEY_ID", remedy)
        APNS_TEAM_ID = environment.required("APNS_TEAM_ID", remedy)
        APNS_TOPIC = environment.required("APNS_TOPIC", "set it to the app's bundle id")
        APNS_URL = environment.url("APNS_URL", "https://api.push.apple.com", schemes=("https",))
        APNS_SANDBOX_URL = environment.url(
            "APNS_SANDBOX_URL", "https://api.sandbox.push.apple.com", schemes=("https",)
        )
    FCM_CREDENTIALS = environment.service_account("FCM_CREDENTIALS")
    FCM_URL = environment.url("FCM_URL", "https://fcm.googleapis.com", schemes=("https",))
    if not APNS_KEY and not FCM_CREDENTIALS:
        message = (
            "PUSH_BACKEND is 'service' and there is none. Remedy: set APNS_KEY (Apple), "
            "FCM_CREDENTIALS (Google) or both."
        )
        raise ImproperlyConfigured(message)

# The apps that a link of an invitation opens, and where to get them.
APPLE_APP_IDS = environment.words("APPLE_APP_IDS")
ANDROID_APPS = environment.android_apps("ANDROID_APPS")
IOS_APP_URL = environment.url("IOS_APP_URL", "", schemes=("https",))
ANDROID_APP_URL = environment.url("ANDROID_APP_URL", "", schemes=("https",))

# Mail: of people's sign-in, of approvals that wait. In development it lies in files.
MAIL_SERVER = environment.mail(
    "EMAIL_URL", f"file://{ROOT}/.local/mail" if DEBUG else "smtp://localhost:25"
)
EMAIL_BACKEND = MAIL_SERVER.backend
EMAIL_FILE_PATH = MAIL_SERVER.folder
EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_SERVER.starttls, MAIL_SERVER.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text(
    "DEFAULT_FROM_EMAIL", f"SemaFore <no-reply@{urlsplit(BASE_URL).hostname}>"
)

AUTH_USER_MODEL = "orgs.Account"
# Views of `audit` take service tokens, which belong to an app above it.
SERVICE_TOKEN_AUTHENTICATION = "orgs.authentication.ServiceTokenAuthentication"  # noqa: S105 - a path
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "phone"]},
    },
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = ROOT / "staticfiles"
# After `collectstatic`, names carry a hash of the content and browsers keep the files for ever;
# before it, which is only for development and tests, files are found where they are written.
STATIC_COLLECTED = environment.boolean("STATIC_COLLECTED", default=not DEBUG)
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_COLLECTED
_STATIC_STORAGE = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if STATIC_COLLECTED
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
}
# The files of exports. A directory is of one host: with more of them that run workers, it takes S3.
EXPORT_STORAGE = environment.storage("EXPORT_STORAGE", str(ROOT / ".local" / "exports"))
EXPORT_LIFETIME = timedelta(days=environment.integer("EXPORT_LIFETIME_DAYS", 7, least=1, most=365))
WORKER_HOSTS = environment.integer("WORKER_HOSTS", 1, least=1, most=1000)
STORAGES["exports"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": EXPORT_STORAGE.directory,
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
if EXPORT_STORAGE.bucket:
    STORAGES["exports"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": EXPORT_STORAGE.bucket,
            "location": EXPORT_STORAGE.prefix,
            # Amazon's own where this is empty; keys too come from boto3's usual places then.
            "endpoint_url": environment.url("EXPORT_S3_ENDPOINT", "", schemes=("https", "http"))
            or None,
            "region_name": environment.text("EXPORT_S3_REGION") or None,
            "access_key": environment.text("EXPORT_S3_ACCESS_KEY") or None,
            "secret_key": environment.text("EXPORT_S3_SECRET_KEY") or None,
            "signature_version": "s3v4",
            "default_acl": None,
            # An object that is read lies on the disk, not in memory.
            "max_memory_size": 1024 * 1024,
        },
    }
FORM_RENDERER = "semafore.kernel.http.forms.Renderer"
LOGIN_URL = "sign_in"
CSRF_FAILURE_VIEW = "semafore.kernel.http.handler.form_expired"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# No inline script or style, nothing from elsewhere, no frame, forms to ourselves alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF],
        "style-src": [csp.SELF],
        "img-src": [csp.SELF, "data:"],
        "font-src": [csp.SELF],
        "connect-src": [csp.SELF],
        "form-action": [csp.SELF],
        "frame-ancestors": [csp.NONE],
        "base-uri": [csp.NONE],
        "manifest-src": [csp.SELF],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["semafore.kernel.http.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "semafore.kernel.http.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "semafore.kernel.http.handler.problem_response",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SemaFore server",
    "DESCRIPTION": "Device API. The socket and the errors are described in `docs/`.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "DeviceStatusEnum": "keys.models.DeviceStatus",
        "EnvelopeTypeEnum": "messaging.models.EnvelopeType",
        "MembershipKindEnum": "orgs.models.MembershipKind",
        "MembershipRoleEnum": "orgs.models.Role",
        "MembershipStatusEnum": "orgs.models.MembershipStatus",
        "RoomKindEnum": "messaging.models.RoomKind",
        "RoomRoleEnum": "messaging.models.RoomRole",
        "RoomStatusEnum": "messaging.models.RoomStatus",
        "PlatformEnum": "keys.models.Platform",
        "PushPlatformEnum": "messaging.serializers.devices.PushPlatform",
    },
}

# A body beyond this, files and all, is refused before it is read (api.md: 8 MiB for a message).
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

DEFAULT_EXCEPTION_REPORTER_FILTER = "semafore.kernel.http.pages.ReporterFilter"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SESSION_ENGINE = "orgs.sessions"
# A session ends so long after its last request, and so long after the sign-in.
SESSION_IDLE = timedelta(hours=environment.integer("SESSION_IDLE_HOURS", 12, least=1, most=168))
SESSION_LONGEST = timedelta(days=environment.integer("SESSION_LONGEST_DAYS", 7, least=1, most=30))
SESSION_COOKIE_AGE = int(SESSION_LONGEST.total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_NAME = "semafore_session" if DEBUG else "__Host-semafore_session"
CSRF_COOKIE_NAME = "semafore_csrf" if DEBUG else "__Host-semafore_csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# JSON for whoever collects lines (docs/observability.md); the readable line is for development.
LOG_FORMAT = environment.choice("LOG_FORMAT", "line" if DEBUG else "json", ("json", "line"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "semafore.kernel.logs.RequestIdFilter"},
        "tokens": {"()": "semafore.kernel.logs.TokenFilter"},
    },
    "formatters": {
        "json": {"()": "semafore.kernel.log_lines.JsonLines"},
        "line": {
            "format": "{asctime} {levelname} {name} [{request_id}] {message}",
            "style": "{",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["tokens"] if LOG_FORMAT == "json" else ["request_id", "tokens"],
        }
    },
    "loggers": {
        # A line each request, socket and task: for programs, not for who watches a terminal.
        "semafore.access": {"level": "NOTSET" if LOG_FORMAT == "json" else "WARNING"},
        # That line says what these say of refusals, and not the path; failures stay.
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"level": "ERROR" if LOG_FORMAT == "json" else "WARNING"},
        # It writes statements with their parameters.
        "django.db.backends": {"level": "INFO"},
        # Our own line of a task says it without its arguments and the words of its exception.
        "celery.app.trace": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
        # Servers that serve us set up handlers of their own, and name addresses.
        "uvicorn": {"handlers": [], "level": "WARNING"},
        "uvicorn.error": {"handlers": [], "level": "WARNING"},
        "uvicorn.access": {"handlers": [], "level": "CRITICAL"},
        "granian.access": {"handlers": [], "level": "CRITICAL"},
        # They log addresses and headers, and of a push these are its token and our credentials.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "hpack": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "s3transfer": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        # It repeats what the service says, which may repeat what it was sent.
        "notifications_python_client": {"level": "ERROR"},
    },
    "root": {"handlers": ["console"], "level": environment.text("LOG_LEVEL", "INFO")},
}
