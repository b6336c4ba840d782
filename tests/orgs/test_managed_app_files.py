"""The files for MDM consoles: by the platforms' own rules, and with the same values in each.

The rules are those of Apple's Managed App Configuration (a dictionary of property list types),
Android's RestrictionsManager and its lint check `ValidRestrictions`, the Google Play EMM API's
`ManagedProperty`, and the AppConfig Community's `appconfigschema.xsd`.
"""

import json
import plistlib
import re
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from pytest_django import Settings

from orgs.managed_app import EXPLAINED, ManagedApp, ManagedConfig
from orgs.managed_app_files import (
    ANDROID,
    FILES,
    android_configuration,
    android_restrictions,
    appconfig,
    apple_configuration,
)

CONFIGS = [
    ManagedConfig(UUID(int=1), 1, ManagedApp()),
    ManagedConfig(
        UUID(int=2),
        99_999,
        ManagedApp(
            backup_allowed=False,
            screenshots_allowed=False,
            clipboard_allowed=False,
            min_app_version="2.10.0",
            lock_after_minutes=5,
            wipe_on_revocation=False,
        ),
    ),
]
every_config = pytest.mark.parametrize("config", CONFIGS)
KINDS: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}


@pytest.fixture(autouse=True)
def apps(settings: Settings) -> None:
    settings.APPLE_APP_IDS = ["ABCDE12345.org.example.semafore", "ABCDE12345.org.example.other"]
    settings.ANDROID_APPS = [("org.example.semafore.android", "AB:CD")]


def exactly(values: dict[str, Any]) -> list[tuple[str, type, Any]]:
    """With their types: True is not 1."""
    return [(name, type(value), value) for name, value in values.items()]


def parsed(file: bytes) -> ET.Element:
    return ET.fromstring(file)  # noqa: S314 - the server's own file


@every_config
def test_apples_is_a_dictionary_of_property_list_types(config: ManagedConfig) -> None:
    file = apple_configuration(config)

    assert file.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC')
    assert exactly(plistlib.loads(file, fmt=plistlib.FMT_XML)) == exactly(config.values())


@every_config
def test_androids_names_each_property_once_with_one_value_of_its_type(
    config: ManagedConfig,
) -> None:
    found = json.loads(android_configuration(config))

    assert set(found) == {"kind", "productId", "managedProperty"}
    assert found["kind"] == "androidenterprise#managedConfiguration"
    assert found["productId"] == "app:org.example.semafore.android"
    of_kind = {"valueBool": bool, "valueInteger": int, "valueString": str}
    values = {}
    for each in found["managedProperty"]:
        (kind,) = set(each) - {"key"}
        assert type(each[kind]) is of_kind[kind]
        values[each["key"]] = each[kind]
    assert exactly(values) == exactly(config.values())
    assert len(found["managedProperty"]) == len(values)


@every_config
def test_the_restrictions_declare_each_property_by_its_type(config: ManagedConfig) -> None:
    root = parsed(android_restrictions(config))

    assert (root.tag, root.attrib) == ("restrictions", {})
    of_kind = {"bool": bool, "integer": int, "string": str}
    declared = {}
    for each in root:
        assert (each.tag, len(each)) == ("restriction", 0)
        assert all(name.startswith(f"{{{ANDROID}}}") for name in each.attrib)
        given = {name.partition("}")[2]: value for name, value in each.attrib.items()}
        assert set(given) == {"key", "title", "description", "restrictionType", "defaultValue"}
        assert re.fullmatch(r"[a-z_]+", given["key"])
        assert given["title"]
        assert not given["title"].startswith("@")
        declared[given["key"]] = of_kind[given["restrictionType"]]
        pattern = {bool: "true|false", int: r"\d+", str: ".*"}[declared[given["key"]]]
        assert re.fullmatch(pattern, given["defaultValue"])
    assert declared == {name: type(value) for name, value in config.values().items()}
    assert len(root) == len(declared)


def test_the_restrictions_are_the_apps_own_and_no_organisations() -> None:
    assert android_restrictions(CONFIGS[0]) == android_restrictions(CONFIGS[1])


@every_config
def test_the_specification_follows_the_schema(config: ManagedConfig) -> None:
    root = parsed(appconfig(config))

    assert root.tag == "managedAppConfiguration"
    version, bundle, keys, shown = root
    assert [one.tag for one in root] == ["version", "bundleId", "dict", "presentation"]
    assert re.fullmatch(r"[1-9]\d{0,4}", version.text or "")
    assert bundle.text == "org.example.semafore"
    assert re.fullmatch(r"([a-zA-Z0-9]+[.+\-])+([a-zA-Z0-9])+", bundle.text)
    found = {}
    for key in keys:
        assert set(key.attrib) == {"keyName"}
        assert [one.tag for one in key] in (["defaultValue"], ["defaultValue", "constraint"])
        (value,) = key[0]
        assert value.tag == "value"
        found[key.get("keyName", "")] = _of(key.tag, value.text or "")
        allowed = {"integer": {"min", "max", "nullable"}, "string": {"pattern", "nullable"}}
        for constraint in key.findall("constraint"):
            assert set(constraint.attrib) <= allowed[key.tag]
    assert exactly(found) == exactly(config.values())

    assert set(shown.attrib) == {"defaultLocale"}
    for field in shown:
        assert set(field.attrib) == {"keyName", "type"}
        assert field.get("type") in {"input", "checkbox"}
        assert [one.tag for one in field] == ["label", "description"]
        for part in field:
            (language,) = part
            assert (language.tag, language.attrib) == (
                "language",
                {"value": shown.get("defaultLocale")},
            )
            assert language.text
    assert [field.get("keyName") for field in shown] == list(found)


def _of(kind: str, text: str) -> bool | int | str:
    if kind == "boolean":
        return {"true": True, "false": False}[text]
    return int(text) if kind == "integer" else text


@every_config
def test_the_specifications_constraints_hold_for_its_own_values(config: ManagedConfig) -> None:
    keys = {one.get("keyName"): one for one in parsed(appconfig(config)).iterfind("dict/*")}

    pattern = keys["min_app_version"].find("constraint")
    assert pattern is not None
    assert re.fullmatch(pattern.get("pattern", ""), config.settings.min_app_version)
    assert not re.fullmatch(pattern.get("pattern", ""), "2.1")
    bounds = keys["lock_after_minutes"].find("constraint")
    assert bounds is not None
    least, most = int(bounds.get("min", "")), int(bounds.get("max", ""))
    assert least <= config.settings.lock_after_minutes <= most


def test_an_app_that_nobody_named_has_a_name_that_nobody_owns(settings: Settings) -> None:
    settings.APPLE_APP_IDS, settings.ANDROID_APPS = [], []
    config = CONFIGS[0]

    assert parsed(appconfig(config)).findtext("bundleId") == "example.semafore"
    assert json.loads(android_configuration(config))["productId"] == "app:example.semafore"


def test_every_value_is_explained_and_every_file_has_its_name() -> None:
    assert list(EXPLAINED) == list(CONFIGS[0].values())
    assert len({file.name for file in FILES}) == len({file.key for file in FILES}) == len(FILES)
