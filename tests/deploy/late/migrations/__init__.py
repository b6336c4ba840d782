"""Migrations that a test runs late, in the name of an app that has none."""
