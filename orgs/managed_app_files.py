"""The settings of the managed app as MDM consoles take them (docs/managed-devices.md).

The same keys and values in each form, as `GET managed-config` gives them to devices.
"""

import json
import plistlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from xml.etree.ElementTree import (
    Element,
    SubElement,
    indent,
    register_namespace,
    tostring,
)

from django.conf import settings

from orgs.managed_app import EXPLAINED, LOCK_MINUTES, ManagedApp, ManagedConfig
from semafore.kernel.app_version import TEXT

LANGUAGE = "en-GB"
ANDROID = "http://schemas.android.com/apk/res/android"
UNNAMED_APP = "example.semafore"
"""Stands for the app where the operator hasn't said which it is; nobody can own this name."""

register_namespace("android", ANDROID)


def apple_bundle_id() -> str:
    """The app of APPLE_APP_IDS, without its team."""
    first = next(iter(settings.APPLE_APP_IDS), "")
    return first.partition(".")[2] or UNNAMED_APP


def android_package() -> str:
    """The app of ANDROID_APPS."""
    return next((package for package, _ in settings.ANDROID_APPS), UNNAMED_APP)


def apple_configuration(config: ManagedConfig) -> bytes:
    """A property list: the dictionary that iOS hands to the app as com.apple.configuration.managed.

    Source: Apple, Managed App Configuration; Device Management, Settings, ApplicationConfiguration.
    """
    return plistlib.dumps(config.values(), sort_keys=False)


def android_configuration(config: ManagedConfig) -> bytes:
    """A `ManagedConfiguration` of the Google Play EMM API, as EMM consoles import it."""
    kinds = {bool: "valueBool", int: "valueInteger", str: "valueString"}
    found = {
        "kind": "androidenterprise#managedConfiguration",
        "productId": f"app:{android_package()}",
        "managedProperty": [
            {"key": name, kinds[type(value)]: value} for name, value in config.values().items()
        ],
    }
    return json.dumps(found, indent=2).encode() + b"\n"


def android_restrictions(config: ManagedConfig) -> bytes:
    """What the app ships as `res/xml/app_restrictions.xml`: keys, types, the app's own defaults.

    Source: Android, RestrictionsManager.
    """
    root = Element("restrictions")
    kinds = {bool: "bool", int: "integer", str: "string"}
    defaults = {"organisation_id": "", "config_version": 0, **asdict(ManagedApp())}
    for name, value in config.values().items():
        attributes = {
            "key": name,
            "title": EXPLAINED[name].label,
            "description": EXPLAINED[name].help,
            "restrictionType": kinds[type(value)],
            "defaultValue": _text(defaults[name]),
        }
        SubElement(root, "restriction", {f"{{{ANDROID}}}{key}": a for key, a in attributes.items()})
    return _document(root)


def appconfig(config: ManagedConfig) -> bytes:
    """A specification of the AppConfig Community: keys, types, bounds, and the values as defaults.

    Source: the schema `appconfigschema.xsd` of the AppConfig Community.
    """
    root = Element("managedAppConfiguration")
    SubElement(root, "version").text = str(config.version)
    SubElement(root, "bundleId").text = apple_bundle_id()
    keys = SubElement(root, "dict")
    shown = SubElement(root, "presentation", defaultLocale=LANGUAGE)
    kinds = {bool: "boolean", int: "integer", str: "string"}
    constraints = {
        "min_app_version": {"nullable": "true", "pattern": f"({TEXT.pattern})?"},
        "lock_after_minutes": dict(zip(("min", "max"), map(str, LOCK_MINUTES), strict=True)),
    }
    for name, value in config.values().items():
        key = SubElement(keys, kinds[type(value)], keyName=name)
        SubElement(SubElement(key, "defaultValue"), "value").text = _text(value)
        if name in constraints:
            SubElement(key, "constraint", constraints[name])
        control = "checkbox" if type(value) is bool else "input"
        field = SubElement(shown, "field", keyName=name, type=control)
        explained = EXPLAINED[name]
        for part, words in (("label", explained.label), ("description", explained.help)):
            SubElement(SubElement(field, part), "language", value=LANGUAGE).text = words
    return _document(root)


def _text(value: bool | int | str) -> str:  # noqa: FBT001 - a value among others
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document(root: Element) -> bytes:
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


@dataclass(frozen=True, slots=True)
class File:
    """One download."""

    key: str
    """By which its address is known (`managed_app_<key>`)."""
    name: str
    title: str
    help: str
    media_type: str
    write: Callable[[ManagedConfig], bytes]


FILES = (
    File(
        "ios",
        "com.apple.configuration.managed.plist",
        "iOS: managed app configuration",
        "A property list. An MDM console gives it to the managed app, which reads it under "
        "com.apple.configuration.managed.",
        "application/x-plist",
        apple_configuration,
    ),
    File(
        "android",
        "android-managed-configuration.json",
        "Android: managed configuration",
        "The values, as EMM consoles take them as JSON and Google Play's EMM API.",
        "application/json",
        android_configuration,
    ),
    File(
        "android_restrictions",
        "app_restrictions.xml",
        "Android: restrictions of the app",
        "Which keys there are, with the app's own defaults. Every app brings this file with it: "
        "only who builds an app needs it.",
        "application/xml",
        android_restrictions,
    ),
    File(
        "appconfig",
        "appconfig.xml",
        "AppConfig: specification",
        "Keys, types and bounds, with your settings as defaults. MDM consoles make a form of it.",
        "application/xml",
        appconfig,
    ),
)
